import { describe, expect, test } from 'vitest';
import { sleep } from '../../src/base/time/scheduler.ts';
import type { Plugin } from '../../src/plugin/plugin.ts';
import { startContainer, textOf } from '../sidecar/simulated-container.ts';
import { inWorld, type SimulatedWorld } from '../sidecar/simulated-world.ts';

const topic = 'demo.questions';
const ask = (plugin: Plugin, timeoutMs?: number) =>
  plugin.request(topic, Buffer.from('?'), timeoutMs === undefined ? {} : { timeoutMs });

/** Serves the topic with an answer that tells who gave it. */
async function answerAs(plugin: Plugin, name: string): Promise<void> {
  await plugin.serve(topic, ({ payload }) => ({ payload: Buffer.from(`${textOf(payload)} ${name}`) }));
}

async function answers(plugin: Plugin, count: number): Promise<string[]> {
  const texts: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const reply = await ask(plugin);
    texts.push(reply.outcome === 'answered' ? Buffer.from(reply.payload).toString() : reply.outcome);
  }
  return texts;
}

async function twoContainers(world: SimulatedWorld) {
  return { caller: await startContainer(world, 'caller'), server: await startContainer(world, 'server') };
}

describe('a call', () => {
  test('is answered by whoever serves its topic', () =>
    inWorld(async (world) => {
      const { caller, server } = await twoContainers(world);
      await server.plugin.serve('demo.*', (request) => ({
        payload: Buffer.from(`${request.topic} by ${request.sourceId}`),
        payloadType: 'text',
      }));
      expect(await ask(caller.plugin)).toEqual({
        outcome: 'answered',
        payload: Buffer.from('demo.questions by caller'),
        payloadType: 'text',
      });
    }));

  test('has a message id of its own', () =>
    inWorld(async (world) => {
      const { caller, server } = await twoContainers(world);
      const ids: string[] = [];
      await server.plugin.serve(topic, ({ messageId }) => {
        ids.push(messageId);
        return { payload: Buffer.from('') };
      });
      for (let index = 0; index < 3; index += 1) await ask(caller.plugin);
      expect(new Set(ids).size).toBe(3);
    }));

  test('without a grant is refused', () =>
    inWorld(async (world) => {
      const { caller } = await twoContainers(world);
      expect(await caller.plugin.request('other.topic', Buffer.from('?'))).toEqual({
        outcome: 'refused',
        detail: expect.stringContaining('no publish grant for other.topic'),
      });
    }));

  test('that nobody serves has no handler, and is not kept for one', () =>
    inWorld(async (world) => {
      const { caller, server } = await twoContainers(world);
      expect(await ask(caller.plugin)).toEqual({ outcome: 'no_handler', detail: `nothing serves ${topic}` });
      let asked = 0;
      await server.plugin.serve(topic, () => {
        asked += 1;
        return { payload: Buffer.from('') };
      });
      await sleep(world.scheduler, 10_000);
      expect(asked).toBe(0);
    }));

  test('that is not answered in time ends with a timeout, and its late answer is dropped', () =>
    inWorld(async (world) => {
      const { caller, server } = await twoContainers(world);
      await server.plugin.serve(topic, async () => {
        await sleep(world.scheduler, 900);
        return { payload: Buffer.from('late') };
      });
      const atMs = world.scheduler.nowMs();
      expect(await ask(caller.plugin, 500)).toEqual({
        outcome: 'timeout',
        detail: `${topic} was not answered within 500 ms`,
      });
      expect(world.scheduler.nowMs() - atMs).toBeLessThan(700);
      await sleep(world.scheduler, 2_000);
      expect((await ask(caller.plugin, 2_000)).outcome).toBe('answered');
    }));

  test('whose handler throws ends with its error', () =>
    inWorld(async (world) => {
      const { caller, server } = await twoContainers(world);
      await server.plugin.serve(topic, () => {
        throw new Error('out of answers');
      });
      expect(await ask(caller.plugin)).toEqual({ outcome: 'handler_error', detail: 'out of answers' });
    }));

  test('whose answer is over a limit, or whose handler throws a long text, ends alone, and the next is answered', () =>
    inWorld(async (world) => {
      const { caller, server } = await twoContainers(world);
      const answers = [
        () => ({ payload: new Uint8Array(2_000_000) }),
        () => {
          throw new Error('é'.repeat(10_000));
        },
        () => ({ payload: Buffer.from('42') }),
      ];
      await server.plugin.serve(topic, () => answers.shift()?.() ?? { payload: new Uint8Array() });
      expect(await ask(caller.plugin)).toEqual({
        outcome: 'handler_error',
        detail: 'the answer is not passed on: payload of 2000000 bytes is over the limit of 983040 bytes',
      });
      expect(await ask(caller.plugin)).toEqual({ outcome: 'handler_error', detail: 'é'.repeat(2_048) });
      expect((await ask(caller.plugin)).outcome).toBe('answered');
    }));

  test.each<[who: string, kill: 'killPlugin' | 'killSidecar']>([
    ['plugin', 'killPlugin'],
    ['sidecar', 'killSidecar'],
  ])('whose handler dies with its %s ends with a handler error at once', (_who, kill) =>
    inWorld(async (world) => {
      const { caller, server } = await twoContainers(world);
      const asked = Promise.withResolvers<void>();
      await server.plugin.serve(topic, async () => {
        asked.resolve();
        return Promise.withResolvers<never>().promise;
      });
      const reply = ask(caller.plugin);
      await asked.promise;
      const atMs = world.scheduler.nowMs();
      server[kill]();
      expect(await reply).toEqual({ outcome: 'handler_error', detail: expect.stringContaining('went away') });
      expect(world.scheduler.nowMs() - atMs).toBeLessThan(500);
    }),
  );

  test.each([
    [-1, { name: 'TypeError', message: expect.stringContaining('options.timeoutMs is the number -1') }],
    [60_001, { code: 'INVALID_ARGUMENT' }],
  ])('with a timeout of %i ms is invalid', (timeoutMs, error) =>
    inWorld(async (world) => {
      const { caller } = await twoContainers(world);
      await expect(ask(caller.plugin, timeoutMs)).rejects.toMatchObject(error);
    }),
  );
});

test('several responders take turns, and one that stops is passed over', () =>
  inWorld(async (world) => {
    const { caller, server } = await twoContainers(world);
    const other = await startContainer(world, 'other');
    await answerAs(server.plugin, 'server');
    await answerAs(other.plugin, 'other');
    expect(await answers(caller.plugin, 4)).toEqual(['? server', '? other', '? server', '? other']);
    await other.plugin.stop('done');
    expect(await answers(caller.plugin, 2)).toEqual(['? server', '? server']);
  }));

const seeds = Array.from({ length: 20 }, (_, index) => index + 1);

test.each(seeds)(
  'seed %i: a request under way when a newer sidecar takes over is still answered, by the older one',
  (seed) =>
    inWorld(async (world) => {
      const { caller, server } = await twoContainers(world);
      const asked = Promise.withResolvers<void>();
      await server.plugin.serve(topic, async () => {
        asked.resolve();
        await sleep(world.scheduler, 2_000);
        return { payload: Buffer.from('older') };
      });
      const reply = ask(caller.plugin);
      await asked.promise;
      const newer = await startContainer(world, 'server');
      await answerAs(newer.plugin, 'newer');
      expect(await reply).toMatchObject({ outcome: 'answered', payload: Buffer.from('older') });
      await world.until(() => server.sidecar.state === 'STANDBY');
      await server.plugin.stopped;
      await sleep(world.scheduler, 1_000);
      expect(await answers(caller.plugin, 1)).toEqual(['? newer']);
    }, seed),
);
