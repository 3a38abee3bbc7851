import { describe, expect, test } from 'vitest';
import { randomBelow } from '../../src/base/random.ts';
import { sleep } from '../../src/base/time/scheduler.ts';
import type { DeliveredMessage } from '../../src/plugin/message.ts';
import type { SubscribeOptions } from '../../src/plugin/options.ts';
import type { Plugin } from '../../src/plugin/plugin.ts';
import { described, publishText, startContainer, textOf } from './simulated-container.ts';
import { inWorld, openPolicy, SimulatedWorld } from './simulated-world.ts';

const group = { name: 'jobs', group: 'workers', startTimeNs: 0n };

/** What a member was given, as texts with what is special about them. */
async function work(plugin: Plugin, options: Partial<SubscribeOptions> = {}, handleMs = 0, world?: SimulatedWorld) {
  const received: string[] = [];
  await plugin.subscribe('demo.*', { ...group, ...options }, async (message) => {
    received.push(described(message));
    if (world) await sleep(world.scheduler, handleMs);
  });
  return received;
}

/** A member that handles what it is given, but never ends with it. */
async function hold(plugin: Plugin, window = { messages: 3, bytes: 1_000_000 }): Promise<string[]> {
  const received: string[] = [];
  await plugin.subscribe('demo.*', { ...group, window }, (message) => {
    received.push(described(message));
    return new Promise(() => {});
  });
  return received;
}

const keyed = (plugin: Plugin, text: string, partitionKey: string) =>
  plugin.publish('demo.ticks', Buffer.from(text), { partitionKey });

test('each message goes to one member, and all together get everything', () =>
  inWorld(async (world) => {
    const members: string[][] = [];
    for (const id of ['a', 'b', 'c']) members.push(await work((await startContainer(world, id)).plugin, {}, 20, world));
    const { plugin } = await startContainer(world, 'publisher');
    for (let index = 0; index < 60; index += 1) await keyed(plugin, `${index}`, `k${index % 10}`);
    await world.until(() => members.flat().length >= 60);
    await sleep(world.scheduler, 1_000);
    const expected = Array.from({ length: 60 }, (_, index) => `${index}`);
    expect(members.flat().sort((one, other) => Number(one) - Number(other))).toEqual(expected);
    for (const received of members) expect(received.length).toBeGreaterThan(15);
  }));

test('without a key the messages of one publisher on one topic go to one member at a time, in order', () =>
  inWorld(async (world) => {
    const all: string[] = [];
    let busy = 0;
    for (const id of ['a', 'b']) {
      const { plugin } = await startContainer(world, id);
      await plugin.subscribe('demo.*', group, async (message) => {
        busy += 1;
        expect(busy).toBe(1);
        all.push(described(message));
        await sleep(world.scheduler, randomBelow(world.scheduler.random, 30));
        busy -= 1;
      });
    }
    const { plugin } = await startContainer(world, 'publisher');
    for (let index = 0; index < 30; index += 1) await publishText(plugin, `${index}`);
    await world.until(() => all.length >= 30);
    expect(all).toEqual(Array.from({ length: 30 }, (_, index) => `${index}`));
  }));

test('with ordered: false they spread', () =>
  inWorld(async (world) => {
    const members: string[][] = [];
    for (const id of ['a', 'b']) {
      members.push(await work((await startContainer(world, id)).plugin, { ordered: false }, 50, world));
    }
    const { plugin } = await startContainer(world, 'publisher');
    for (let index = 0; index < 20; index += 1) await publishText(plugin, `${index}`);
    await world.until(() => members.flat().length >= 20);
    for (const received of members) expect(received.length).toBe(10);
  }));

test('what a member that leaves had comes to another at once, marked and in order', () =>
  inWorld(async (world) => {
    const one = await startContainer(world, 'one');
    const held = await hold(one.plugin);
    const { plugin } = await startContainer(world, 'publisher');
    for (const text of ['1', '2', '3', '4']) await publishText(plugin, text);
    await world.until(() => held.length === 1);
    const two = await startContainer(world, 'two');
    const received = await work(two.plugin);
    await sleep(world.scheduler, 1_000);
    expect(received).toEqual([]);
    one.killPlugin();
    await sleep(world.scheduler, 500);
    expect(received).toEqual(['1 again?', '2 again?', '3 again?', '4']);
  }));

test('what a killed sidecar had comes to another when its lease is over', () =>
  inWorld(async (world) => {
    const one = await startContainer(world, 'one');
    const held = await hold(one.plugin);
    const { plugin } = await startContainer(world, 'publisher');
    for (const text of ['1', '2']) await publishText(plugin, text);
    await world.until(() => held.length === 1);
    const two = await startContainer(world, 'two');
    const received = await work(two.plugin);
    one.killSidecar();
    await publishText(plugin, '3');
    await sleep(world.scheduler, 5_000);
    expect(received).toEqual([]);
    await world.until(() => received.length === 3);
    expect(received).toEqual(['1 again?', '2 again?', '3']);
  }));

test('a lost connection changes nothing for the member that has it', () =>
  inWorld(async (world) => {
    const one = await startContainer(world, 'one');
    const received: string[] = [];
    const done = Promise.withResolvers<void>();
    await one.plugin.subscribe('demo.*', group, async (message) => {
      received.push(described(message));
      await done.promise;
    });
    const { plugin } = await startContainer(world, 'publisher');
    await publishText(plugin, '1');
    await world.until(() => received.length === 1);
    const others = await work((await startContainer(world, 'two')).plugin);
    one.sidecarNetwork.cut();
    await sleep(world.scheduler, 3_000);
    done.resolve();
    await publishText(plugin, '2');
    await sleep(world.scheduler, 20_000);
    expect([...received, ...others]).toEqual(['1', '2']);
  }));

test('the position belongs to the group, and outlives its members', () =>
  inWorld(async (world) => {
    const { plugin } = await startContainer(world, 'publisher');
    const one = await startContainer(world, 'one');
    const first = await work(one.plugin);
    await publishText(plugin, '1');
    await world.until(() => first.length === 1);
    await one.plugin.stop();
    await publishText(plugin, '2');
    const received = await work((await startContainer(world, 'two')).plugin);
    await world.until(() => received.length === 1);
    expect(received).toEqual(['2']);
  }));

test('members save a state of their own, and acknowledge with it', () =>
  inWorld(async (world) => {
    const one = await startContainer(world, 'one');
    const { plugin } = await startContainer(world, 'publisher');
    await one.plugin.subscribe('demo.*', group, async (message) => {
      await one.plugin.saveState(message.payload, { acknowledge: [message] });
      one.killPlugin();
      await new Promise(() => {});
    });
    await publishText(plugin, '1');
    await sleep(world.scheduler, 2_000);
    const later = await world.connectPlugin(one.address);
    expect(textOf((await later.loadState()) ?? new Uint8Array())).toBe('1');
    const received = await work(later);
    await publishText(plugin, '2');
    await world.until(() => received.length === 1);
    expect(received).toEqual(['2']);
  }));

test('a message that no member can handle goes to the dead-letter topic, whoever tried it', () =>
  inWorld(async (world) => {
    const tried: DeliveredMessage[] = [];
    for (const id of ['a', 'b']) {
      const { plugin } = await startContainer(world, id);
      const deadLetters = { afterAttempts: 3, topic: 'demo.x.dead' };
      await plugin.subscribe('demo.*', { ...group, deadLetters }, (message) => {
        tried.push(message);
        throw new Error('not today');
      });
    }
    const { plugin } = await startContainer(world, 'publisher');
    const letters: string[] = [];
    await plugin.subscribe('demo.x.dead', { name: 'letters' }, ({ payload }) => void letters.push(textOf(payload)));
    await publishText(plugin, '1');
    await world.until(() => letters.length === 1);
    expect(tried.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    await sleep(world.scheduler, 10_000);
    expect(tried).toHaveLength(3);
  }));

test('the same group in another pool, and the same name without a group, get everything too', () =>
  inWorld(async (world) => {
    const members = [await work((await startContainer(world, 'a')).plugin)];
    const { sidecar, address } = world.createSidecar({ INSTANCE_ID: 'b', POOL_TYPE: 'OtherPool' });
    await sidecar.start();
    members.push(await work(await world.connectPlugin(address)));
    const alone = await startContainer(world, 'c');
    const own: string[] = [];
    await alone.plugin.subscribe('demo.*', { name: 'jobs' }, (message) => void own.push(described(message)));
    await publishText((await startContainer(world, 'publisher')).plugin, '1');
    await sleep(world.scheduler, 1_000);
    expect([...members, own]).toEqual([['1'], ['1'], ['1']]);
  }));

test('a bus that starts again on the same store goes on where the group was', async () => {
  const world = new SimulatedWorld(1);
  await world.run(
    (async () => {
      const store = world.createStore();
      const first = await world.startBus(openPolicy, store);
      const one = await startContainer(world, 'one');
      const two = await startContainer(world, 'two');
      const held = await hold(one.plugin);
      const { plugin } = await startContainer(world, 'publisher');
      for (const text of ['1', '2']) await keyed(plugin, text, 'k1');
      await world.until(() => held.length === 1);
      const received = await work(two.plugin);
      first.close();
      one.killSidecar();
      await world.startBus(openPolicy, store);
      await keyed(plugin, '3', 'k2');
      await world.until(() => received.length === 1);
      expect(received).toEqual(['3']);
      await world.until(() => received.length === 3);
      expect(received).toEqual(['3', '1 again?', '2 again?']);
    })(),
  );
});

describe('a member is refused, by what it asked for', () => {
  test.each<[string, Partial<SubscribeOptions> & { readonly pattern?: string }, string]>([
    ['another pattern than the others', { pattern: 'demo.other' }, 'have the pattern demo.*, and this one demo.other'],
    ['another order than the others', { ordered: false }, 'have unordered=false, and this one unordered=true'],
    ['a group that is no name', { group: 'no name' }, '"no name" is not a group of 1 to 128 characters [A-Za-z0-9_.-]'],
    ['a group that is too long', { group: 'x'.repeat(129) }, 'group is 129 bytes long'],
  ])('%s', (_, { pattern = 'demo.*', ...options }, reason) =>
    inWorld(async (world) => {
      await work((await startContainer(world, 'a')).plugin);
      const { plugin } = await startContainer(world, 'b');
      const opened = plugin.subscribe(pattern, { ...group, ...options }, () => {});
      await expect(opened).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining(reason),
      });
    }),
  );

  test('a second subscription of the same instance', () =>
    inWorld(async (world) => {
      const { plugin } = await startContainer(world, 'a');
      await work(plugin);
      const opened = plugin.subscribe('demo.*', { ...group, name: 'second' }, () => {});
      const reason = 'this instance is in the group "workers" already, by its subscription "jobs"';
      await expect(opened).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining(reason),
      });
    }));
});
