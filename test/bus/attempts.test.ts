import { describe, expect, test } from 'vitest';
import { sleep } from '../../src/base/time/scheduler.ts';
import type { DeliveredMessage, Message } from '../../src/plugin/message.ts';
import type { Plugin } from '../../src/plugin/plugin.ts';
import { RpcError } from '../../src/transport/status.ts';
import { type Container, publishText, startContainer, textOf } from '../sidecar/simulated-container.ts';
import { busAddress, inWorld, type SimulatedWorld } from '../sidecar/simulated-world.ts';

const attemptsMax = 3;
const deadTopic = 'demo.dead.all';
const options = { name: 'all', deadLetters: { afterAttempts: attemptsMax, topic: deadTopic } };

interface Taken {
  readonly text: string;
  readonly attempt: number;
  readonly again: boolean;
}

/** Subscribes with dead letters and a handler that never finishes its first message. */
async function stuck(world: SimulatedWorld, plugin: Plugin): Promise<Taken[]> {
  const taken: Taken[] = [];
  await plugin.subscribe('demo.*', options, async (message) => {
    taken.push(takenOf(message));
    await sleep(world.scheduler, 3_600_000);
  });
  return taken;
}

/** Subscribes with dead letters and takes everything. */
async function takingAll(plugin: Plugin): Promise<Taken[]> {
  const taken: Taken[] = [];
  await plugin.subscribe('demo.*', options, (message) => void taken.push(takenOf(message)));
  return taken;
}

function takenOf({ payload, attempt, maybeRedelivered }: DeliveredMessage): Taken {
  return { text: textOf(payload), attempt, again: maybeRedelivered };
}

async function deadLettersOf(container: Container): Promise<Message[]> {
  const letters: Message[] = [];
  await container.plugin.subscribe(deadTopic, { name: 'dead' }, (message) => void letters.push(message));
  return letters;
}

/** A container to trouble, and another that publishes and sees the dead letters. */
async function two(world: SimulatedWorld) {
  const [one, publisher] = [await startContainer(world, 'one'), await startContainer(world, 'publisher')];
  return { one, publisher, letters: await deadLettersOf(publisher) };
}

describe('an attempt is', () => {
  test('a delivery whose plugin was killed: after the last one the message is a dead letter, and nothing else is', () =>
    inWorld(async (world) => {
      const { one, publisher, letters } = await two(world);
      let taken = await stuck(world, one.plugin);
      const { messageId } = (await publishText(publisher.plugin, 'poison')) as { messageId: string };
      let kill = (): void => one.killPlugin();
      for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
        await world.until(() => taken.length === 1);
        expect(taken).toEqual([{ text: 'poison', attempt, again: attempt > 1 }]);
        expect(letters).toEqual([]);
        kill();
        const next = await world.connectMortalPlugin(one.address);
        kill = next.kill;
        taken = attempt < attemptsMax ? await stuck(world, next.plugin) : await takingAll(next.plugin);
      }
      await publishText(publisher.plugin, 'next');
      await world.until(() => letters.length === 1 && taken.length === 1);
      expect(taken).toEqual([{ text: 'next', attempt: 1, again: false }]);
      expect(letters[0]).toMatchObject({ topic: deadTopic, sourceId: 'one', causationId: messageId });
      expect(textOf(letters[0]?.payload ?? Buffer.of())).toBe('poison');
      expect(letters[0]?.messageId).not.toBe(messageId);
    }));

  test('a delivery whose sidecar was killed', () =>
    inWorld(async (world) => {
      const { one, publisher, letters } = await two(world);
      let container = one;
      let taken = await stuck(world, container.plugin);
      await publishText(publisher.plugin, 'poison');
      for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
        await world.until(() => taken.length === 1);
        expect(taken).toEqual([{ text: 'poison', attempt, again: attempt > 1 }]);
        container.killPlugin();
        container.killSidecar();
        container = await startContainer(world, 'one');
        taken = await stuck(world, container.plugin);
      }
      await world.until(() => letters.length === 1);
      expect(taken).toEqual([]);
    }));

  test('a handler that throws: the message comes again later, marked, and the others are handled meanwhile', () =>
    inWorld(async (world) => {
      const { one, publisher, letters } = await two(world);
      const taken: Taken[] = [];
      await one.plugin.subscribe('demo.*', options, (message) => {
        taken.push(takenOf(message));
        if (textOf(message.payload) === 'poison') throw new Error('cannot be handled');
      });
      for (const text of ['poison', '1', '2']) await publishText(publisher.plugin, text);
      await world.until(() => letters.length === 1);
      expect(taken.filter(({ text }) => text === 'poison')).toEqual([
        { text: 'poison', attempt: 1, again: false },
        { text: 'poison', attempt: 2, again: true },
        { text: 'poison', attempt: 3, again: true },
      ]);
      expect(taken.slice(0, 3).map(({ text }) => text)).toEqual(['poison', '1', '2']);
    }));
});

describe('no attempt is', () => {
  const rounds = attemptsMax + 2;

  test('what a stopping sidecar hands back, however often; it is marked all the same', () =>
    inWorld(async (world) => {
      const { one, publisher, letters } = await two(world);
      let container = one;
      let taken = await stuck(world, container.plugin);
      for (let index = 0; index < 20; index += 1) await publishText(publisher.plugin, `${index}`);
      for (let round = 0; round < rounds; round += 1) {
        await world.until(() => taken.length === 1);
        expect(taken).toEqual([{ text: '0', attempt: 1, again: round > 0 }]);
        await container.sidecar.stop('redeploying');
        container.killPlugin();
        container = await startContainer(world, 'one');
        taken = round < rounds - 1 ? await stuck(world, container.plugin) : await takingAll(container.plugin);
      }
      await world.until(() => taken.length === 20);
      expect(taken.every(({ attempt }) => attempt === 1)).toBe(true);
      expect(letters).toEqual([]);
    }));

  test('what a stopping plugin hands back', () =>
    inWorld(async (world) => {
      const { one, publisher, letters } = await two(world);
      let { plugin } = one;
      for (let round = 0; round < rounds; round += 1) {
        const taken: Taken[] = [];
        const release = Promise.withResolvers<void>();
        await plugin.subscribe('demo.*', options, async (message) => {
          taken.push(takenOf(message));
          await release.promise;
        });
        if (round === 0) for (let index = 0; index < 20; index += 1) await publishText(publisher.plugin, `${index}`);
        await world.until(() => taken.length === 1);
        const stopping = plugin.stop('redeploying');
        release.resolve();
        await stopping;
        expect(taken).toEqual([{ text: `${round}`, attempt: 1, again: round > 0 }]);
        plugin = await world.connectPlugin(one.address);
      }
      expect(letters).toEqual([]);
    }));

  test('a session that was lost while the plugin had the message: it goes on, and nothing comes twice', () =>
    inWorld(async (world) => {
      const { one, publisher, letters } = await two(world);
      const release = Promise.withResolvers<void>();
      const taken: Taken[] = [];
      await one.plugin.subscribe('demo.*', options, async (message) => {
        taken.push(takenOf(message));
        await release.promise;
      });
      for (let index = 0; index < 20; index += 1) await publishText(publisher.plugin, `${index}`);
      for (let round = 0; round < rounds; round += 1) {
        await sleep(world.scheduler, 1_000);
        world.network.cut(busAddress);
      }
      release.resolve();
      await world.until(() => taken.length >= 20);
      await publishText(publisher.plugin, 'last');
      await world.until(() => taken.at(-1)?.text === 'last');
      expect(taken.map(({ text }) => text)).toEqual([...Array.from({ length: 20 }, (_, index) => `${index}`), 'last']);
      expect(taken.every(({ attempt }) => attempt === 1)).toBe(true);
      expect(letters).toEqual([]);
    }));
});

describe('a subscription is refused', () => {
  const refused = (deadLetters: { afterAttempts: number; topic: string }, pattern = 'demo.*') => {
    const outcome = Promise.withResolvers<string>();
    return inWorld(async (world) => {
      const one = await startContainer(world, 'one');
      const opening = one.plugin.subscribe(pattern, { name: 'all', deadLetters }, () => {});
      outcome.resolve(
        await opening.then(
          () => 'opened',
          (error: unknown) => `${RpcError.from(error).code}: ${RpcError.from(error).message}`,
        ),
      );
    }).then(() => outcome.promise);
  };

  test.each([
    ['most attempts without a topic', { afterAttempts: 3, topic: '' }, /^INVALID_ARGUMENT: .*set both or neither/],
    [
      'a topic without most attempts',
      { afterAttempts: 0, topic: deadTopic },
      /^INVALID_ARGUMENT: .*set both or neither/,
    ],
    ['a pattern for a topic', { afterAttempts: 3, topic: 'demo.dead.*' }, /^INVALID_ARGUMENT: .*is not a topic/],
    ['a topic that its own pattern matches', { afterAttempts: 3, topic: 'demo.dead' }, /^INVALID_ARGUMENT: .*its own/],
    ['a topic without a grant', { afterAttempts: 3, topic: 'other.dead' }, /^PERMISSION_DENIED: .*other\.dead/],
  ])('that asks for %s', async (_, deadLetters, refusal) => {
    expect(await refused(deadLetters)).toMatch(refusal);
  });
});

describe('a subscription that starts from a time', () => {
  test.each(Array.from({ length: 10 }, (_, index) => index + 1))(
    'seed %i: gets what is stored and then what is new, in order, without gap or repeat',
    (seed) =>
      inWorld(async (world) => {
        const { one, publisher } = await two(world);
        const total = 200;
        const publishing = (async () => {
          for (let index = 0; index < total; index += 1) await publishText(publisher.plugin, `${index}`);
        })();
        await sleep(world.scheduler, 500);
        const taken: string[] = [];
        await one.plugin.subscribe('demo.*', { name: 'replay', startTimeNs: 1n }, ({ payload, maybeRedelivered }) => {
          taken.push(`${textOf(payload)}${maybeRedelivered ? ' again' : ''}`);
        });
        await publishing;
        await world.until(() => taken.length >= total);
        expect(taken).toEqual(Array.from({ length: total }, (_, index) => `${index}`));
      }, seed),
  );

  test('goes on where it was when it is opened again, and does not start over', () =>
    inWorld(async (world) => {
      const { one, publisher } = await two(world);
      await publishText(publisher.plugin, '1');
      const subscribe = async (plugin: Plugin): Promise<string[]> => {
        const taken: string[] = [];
        const replay = { name: 'replay', startTimeNs: 1n };
        await plugin.subscribe('demo.*', replay, ({ payload }) => void taken.push(textOf(payload)));
        return taken;
      };
      const first = await subscribe(one.plugin);
      await world.until(() => first.length === 1);
      await one.plugin.stop('redeploying');
      await publishText(publisher.plugin, '2');
      const second = await subscribe(await world.connectPlugin(one.address));
      await world.until(() => second.length > 0);
      expect([first, second]).toEqual([['1'], ['2']]);
    }));
});

test('a position with an expiry of its own is forgotten after that', () =>
  inWorld(async (world) => {
    const { one, publisher } = await two(world);
    const subscribe = async (plugin: Plugin, name: string, more: object): Promise<string[]> => {
      const taken: string[] = [];
      await plugin.subscribe('demo.*', { name, ...more }, ({ payload }) => void taken.push(textOf(payload)));
      return taken;
    };
    await subscribe(one.plugin, 'brief', { idleExpiryS: 5 });
    await subscribe(one.plugin, 'long', {});
    await one.plugin.stop('away');
    await publishText(publisher.plugin, 'while away');
    await sleep(world.scheduler, 10_000);
    const plugin = await world.connectPlugin(one.address);
    const [brief, long] = [await subscribe(plugin, 'brief', {}), await subscribe(plugin, 'long', {})];
    await publishText(publisher.plugin, 'back');
    await world.until(() => brief.length === 1 && long.length === 2);
    expect([brief, long]).toEqual([['back'], ['while away', 'back']]);
  }));
