import { describe, expect, test } from 'vitest';
import { sleep } from '../../src/base/time/scheduler.ts';
import { type Container, collect, described, publishText, startContainer } from '../sidecar/simulated-container.ts';
import { inWorld, type SimulatedWorld } from '../sidecar/simulated-world.ts';

async function publishAll(container: Container, texts: readonly string[]): Promise<void> {
  for (const text of texts) expect((await publishText(container.plugin, text)).outcome).toBe('accepted');
}

/** A plugin that takes the first message and never finishes it. */
async function stuckOnFirst(world: SimulatedWorld, container: Container): Promise<string[]> {
  const received: string[] = [];
  await container.plugin.subscribe('demo.*', { name: 'all' }, async (message) => {
    received.push(described(message));
    await sleep(world.scheduler, 3_600_000);
  });
  return received;
}

describe('a plugin that comes back after it was killed', () => {
  test('gets what it had not acknowledged again, marked, in order and at once, and then what is new', () =>
    inWorld(async (world) => {
      const [one, publisher] = [await startContainer(world, 'one'), await startContainer(world, 'publisher')];
      const before = await stuckOnFirst(world, one);
      await publishAll(publisher, ['1', '2', '3']);
      await world.until(() => before.length === 1);
      one.killPlugin();
      await publishAll(publisher, ['4']);
      const plugin = await world.connectPlugin(one.address);
      const atMs = world.scheduler.nowMs();
      const after = await collect(plugin);
      await publishAll(publisher, ['5']);
      await world.until(() => after.length === 5);
      expect(after.map((text) => text.slice(0, 1))).toEqual(['1', '2', '3', '4', '5']);
      expect(after.slice(0, 3)).toEqual(['1 again?', '2 again?', '3 again?']);
      expect(after[4]).toBe('5');
      expect(world.scheduler.nowMs() - atMs).toBeLessThan(500);
    }));

  test('gets nothing again that was confirmed as acknowledged', () =>
    inWorld(async (world) => {
      const [one, publisher] = [await startContainer(world, 'one'), await startContainer(world, 'publisher')];
      const before = await collect(one.plugin);
      await publishAll(publisher, ['1', '2']);
      await world.until(() => before.length === 2);
      await sleep(world.scheduler, 200);
      one.killPlugin();
      const after = await collect(await world.connectPlugin(one.address));
      await publishAll(publisher, ['3']);
      await world.until(() => after.length === 1);
      expect(after).toEqual(['3']);
    }));

  test('gets its messages also from a new sidecar of the same instance', () =>
    inWorld(async (world) => {
      const [one, publisher] = [await startContainer(world, 'one'), await startContainer(world, 'publisher')];
      const before = await stuckOnFirst(world, one);
      await publishAll(publisher, ['1', '2']);
      await world.until(() => before.length === 1);
      one.killPlugin();
      one.killSidecar();
      await publishAll(publisher, ['3']);
      const after = await collect((await startContainer(world, 'one')).plugin);
      await world.until(() => after.length === 3);
      expect(after).toEqual(['1 again?', '2 again?', '3']);
    }));
});

test('every instance of a pool gets its own copy, in order', () =>
  inWorld(async (world) => {
    const [one, two, publisher] = await Promise.all(['one', 'two', 'publisher'].map((id) => startContainer(world, id)));
    if (!one || !two || !publisher) throw new Error('three containers were started');
    const [toOne, toTwo] = [await collect(one.plugin), await collect(two.plugin)];
    await publishAll(publisher, ['1', '2', '3']);
    await world.until(() => toOne.length === 3 && toTwo.length === 3);
    expect([toOne, toTwo]).toEqual([
      ['1', '2', '3'],
      ['1', '2', '3'],
    ]);
  }));

test('a subscription that begins starts with what is published after it stands', () =>
  inWorld(async (world) => {
    const one = await startContainer(world, 'one');
    await publishAll(one, ['before']);
    const received = await collect(one.plugin);
    await publishAll(one, ['after']);
    await world.until(() => received.length > 0);
    expect(received).toEqual(['after']);
  }));

describe('a repeated publish', () => {
  test('with the same dedup key is accepted with the first message id and not delivered', () =>
    inWorld(async (world) => {
      const one = await startContainer(world, 'one');
      const received = await collect(one.plugin);
      const publish = (text: string) => one.plugin.publish('demo.ticks', Buffer.from(text), { dedupKey: 'key' });
      const [first, second] = [await publish('1'), await publish('2')];
      await publishAll(one, ['3']);
      await world.until(() => received.length === 2);
      expect(first).toMatchObject({ outcome: 'accepted', duplicate: false });
      expect(second).toEqual({ ...first, duplicate: true });
      expect(received).toEqual(['1', '3']);
    }));
});

describe('state', () => {
  test('is absent at first, and survives a new sidecar of the same instance', () =>
    inWorld(async (world) => {
      const one = await startContainer(world, 'one');
      expect(await one.plugin.loadState()).toBeUndefined();
      for (const text of ['1', '2']) await one.plugin.saveState(Buffer.from(text));
      one.killPlugin();
      one.killSidecar();
      const again = await startContainer(world, 'one');
      expect(String(await again.plugin.loadState().then((state) => Buffer.from(state ?? [])))).toBe('2');
      await again.plugin.saveState(Buffer.from('3'));
      expect(Buffer.from((await again.plugin.loadState()) ?? []).toString()).toBe('3');
    }));

  test('that an older start saves while it drains is what the newer one loads', () =>
    inWorld(async (world) => {
      const older = await startContainer(world, 'one');
      await older.plugin.saveState(Buffer.from('early'));
      older.plugin.onStop(() => older.plugin.saveState(Buffer.from('late')));
      const newer = await startContainer(world, 'one');
      await older.plugin.stopped;
      expect(Buffer.from((await newer.plugin.loadState()) ?? []).toString()).toBe('late');
      await newer.plugin.saveState(Buffer.from('mine'));
      expect(Buffer.from((await newer.plugin.loadState()) ?? []).toString()).toBe('mine');
    }));

  test('of another instance is not seen', () =>
    inWorld(async (world) => {
      const [one, two] = [await startContainer(world, 'one'), await startContainer(world, 'two')];
      await one.plugin.saveState(Buffer.from('1'));
      expect(await two.plugin.loadState()).toBeUndefined();
    }));

  test('over a mebibyte is refused naming the limit', () =>
    inWorld(async (world) => {
      const { plugin } = await startContainer(world, 'one');
      await expect(plugin.saveState(new Uint8Array(1024 * 1024 + 1))).rejects.toMatchObject({
        code: 'RESOURCE_EXHAUSTED',
        message: expect.stringContaining('1048576'),
      });
      await plugin.saveState(new Uint8Array(1024 * 1024));
    }));
});
