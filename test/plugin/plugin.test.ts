import { describe, expect, test } from 'vitest';
import { sleep } from '../../src/base/time/scheduler.ts';
import { NotAdmittedError } from '../../src/plugin/sidecar-connection.ts';
import {
  type Container,
  collect,
  described,
  publishText,
  startContainer,
  textOf,
} from '../sidecar/simulated-container.ts';
import { inWorld, type SimulatedWorld } from '../sidecar/simulated-world.ts';

describe('connecting', () => {
  test('waits for a sidecar that starts later', () =>
    inWorld(async (world) => {
      const { sidecar, address } = world.createSidecar({ INSTANCE_ID: 'one' });
      const connecting = world.connectPlugin(address);
      await sleep(world.scheduler, 20_000);
      await sidecar.start();
      const plugin = await connecting;
      expect(plugin.identity).toEqual({
        instanceId: 'one',
        deploymentId: 'simulated',
        role: 'SignalPool',
        tags: [],
        publishGrants: ['demo.**'],
        subscribeGrants: ['demo.**'],
      });
      expect(sidecar.state).toBe('RUNNING');
    }));

  test('gives up when no sidecar answers in time', () =>
    inWorld(async (world) => {
      await expect(world.connectPlugin('127.0.0.1:9')).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        message: expect.stringContaining('127.0.0.1:9 did not answer'),
      });
      expect(world.scheduler.nowMs()).toBeLessThanOrEqual(60_000);
    }));

  test.each(['2.0.0', '0.9', 'one'])('with schema version %s is not admitted, and not tried again', (schemaVersion) =>
    inWorld(async (world) => {
      const { sidecar, address } = world.createSidecar({ INSTANCE_ID: 'one' });
      await sidecar.start();
      const atMs = world.scheduler.nowMs();
      const refused = world.connectPlugin(address, world.network, schemaVersion);
      await expect(refused).rejects.toBeInstanceOf(NotAdmittedError);
      await expect(refused).rejects.toThrow(`schema version "${schemaVersion}"`);
      expect(world.scheduler.nowMs() - atMs).toBeLessThan(200);
      expect(sidecar.state).toBe('READY');
    }),
  );
});

describe('subscribing', () => {
  test.each<[why: string, pattern: string, name: string, code: string]>([
    ['a pattern without a grant', 'other.*', 'all', 'PERMISSION_DENIED'],
    ['a pattern wider than every grant', '**', 'all', 'PERMISSION_DENIED'],
    ['what is not a pattern', 'demo..x', 'all', 'INVALID_ARGUMENT'],
    ['no name', 'demo.*', '', 'INVALID_ARGUMENT'],
    ['a name with a blank', 'demo.*', 'a b', 'INVALID_ARGUMENT'],
  ])('is refused for %s', (_why, pattern, name, code) =>
    inWorld(async (world) => {
      const { plugin } = await startContainer(world, 'one');
      await expect(plugin.subscribe(pattern, { name }, () => {})).rejects.toMatchObject({ code });
    }),
  );

  test('goes on with the next when a handler throws, and gives it the message again until it is handled', () =>
    inWorld(async (world) => {
      const one = await startContainer(world, 'one');
      const handled: string[] = [];
      await one.plugin.subscribe('demo.*', { name: 'all' }, (message) => {
        handled.push(`${described(message)} ${message.attempt}`);
        if (textOf(message.payload) === '2' && message.attempt < 4) throw new Error('not yet');
      });
      for (const text of ['1', '2', '3']) await publishText(one.plugin, text);
      await world.until(() => handled.length === 6);
      await sleep(world.scheduler, 10_000);
      expect(handled).toEqual(['1 1', '2 1', '3 1', '2 again? 2', '2 again? 3', '2 again? 4']);
    }));

  test('hands over again, to the next run, what failed and was not given again yet', () =>
    inWorld(async (world) => {
      const one = await startContainer(world, 'one');
      let failed = false;
      await one.plugin.subscribe('demo.*', { name: 'all' }, () => {
        failed = true;
        throw new Error('not now');
      });
      await publishText(one.plugin, '1');
      await world.until(() => failed);
      await one.plugin.stop('redeploying');
      const after = await collect(await world.connectPlugin(one.address));
      await world.until(() => after.length > 0);
      expect(after).toEqual(['1 again?']);
    }));

  test('handles one message at a time, also over lost connections', () =>
    inWorld(async (world) => {
      const one = await startContainer(world, 'one');
      const handled: string[] = [];
      let running = 0;
      let most = 0;
      await one.plugin.subscribe('demo.*', { name: 'all' }, async ({ payload }) => {
        running += 1;
        most = Math.max(most, running);
        await sleep(world.scheduler, 200);
        running -= 1;
        handled.push(Buffer.from(payload).toString());
      });
      for (const text of ['1', '2', '3', '4']) await publishText(one.plugin, text);
      for (let cut = 0; cut < 5; cut += 1) {
        await sleep(world.scheduler, 130);
        world.network.cut(one.address);
      }
      await world.until(() => new Set(handled).size === 4);
      expect(most).toBe(1);
    }));
});

describe('stopping', () => {
  /** Starts a stop while a handler runs, and notes the order in which things end. */
  async function stopDuringHandler(world: SimulatedWorld, one: Container, stop: () => void): Promise<string[]> {
    const notes: string[] = [];
    await one.plugin.subscribe('demo.*', { name: 'all' }, async ({ payload }) => {
      notes.push(`handler of ${textOf(payload)} begins`);
      await sleep(world.scheduler, 1_000);
      notes.push(`handler of ${textOf(payload)} ends`);
    });
    one.plugin.onStop(async (reason) => {
      notes.push(`onStop: ${reason}`);
      notes.push(`last publish ${(await publishText(one.plugin, 'last')).outcome}`);
      notes.push(`sidecar ${one.sidecar.state}`);
    });
    for (const text of ['1', '2']) await publishText(one.plugin, text);
    await world.until(() => notes.length > 0);
    stop();
    await one.plugin.stopped;
    return notes;
  }

  test('takes nothing more, lets handlers finish, runs onStop and leaves', () =>
    inWorld(async (world) => {
      const one = await startContainer(world, 'one');
      const notes = await stopDuringHandler(world, one, () => void one.plugin.stop('SIGTERM'));
      expect(notes).toEqual([
        'handler of 1 begins',
        'handler of 1 ends',
        'onStop: SIGTERM',
        'last publish accepted',
        'sidecar RUNNING',
      ]);
      expect(one.sidecar.state).toBe('READY');
      const after = await collect(await world.connectPlugin(one.address));
      await world.until(() => after.length === 2);
      expect(after.map((text) => text.slice(0, 1))).toEqual(['2', 'l']);
    }));

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('seed %i: hands back nothing that was handled before', (seed) =>
    inWorld(async (world) => {
      const one = await startContainer(world, 'one');
      const before = await collect(one.plugin);
      for (const text of ['1', '2', '3']) await publishText(one.plugin, text);
      await world.until(() => before.length >= 2);
      await one.plugin.stop('done');
      const after = await collect(await world.connectPlugin(one.address));
      await sleep(world.scheduler, 1_000);
      expect([...before, ...after.map((text) => text.slice(0, 1))]).toEqual(['1', '2', '3']);
    }, seed),
  );

  test('runs the same when the sidecar stops', () =>
    inWorld(async (world) => {
      const one = await startContainer(world, 'one');
      let exitCode: Promise<number> | undefined;
      const notes = await stopDuringHandler(world, one, () => {
        exitCode = one.sidecar.stop('SIGTERM');
      });
      expect(notes).toEqual([
        'handler of 1 begins',
        'handler of 1 ends',
        'onStop: the sidecar is stopping',
        'last publish accepted',
        'sidecar SHUTTING_DOWN',
      ]);
      expect(await exitCode).toBe(0);
    }));

  test('waits for the answers to what was published and not waited for', () =>
    inWorld(async (world) => {
      const one = await startContainer(world, 'one');
      const payloads = [Buffer.from('small'), new Uint8Array(100_000)];
      const publishing = payloads.map((payload) => one.plugin.publish('demo.ticks', payload));
      await one.plugin.stop();
      expect((await Promise.all(publishing)).map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted']);
    }));

  test('happens once, however often it is asked for', () =>
    inWorld(async (world) => {
      const { plugin } = await startContainer(world, 'one');
      let stops = 0;
      plugin.onStop(() => {
        stops += 1;
      });
      await Promise.all([plugin.stop('a'), plugin.stop('b')]);
      await plugin.stop('c');
      expect(stops).toBe(1);
    }));

  test('leaves also when onStop throws, and when the sidecar is gone', () =>
    inWorld(async (world) => {
      const [one, two] = [await startContainer(world, 'one'), await startContainer(world, 'two')];
      one.plugin.onStop(() => {
        throw new Error('cannot stop');
      });
      await one.plugin.stop('done');
      await one.plugin.stopped;
      expect(one.sidecar.state).toBe('READY');
      two.killSidecar();
      await sleep(world.scheduler, 100);
      await two.plugin.stop('done');
    }));
});
