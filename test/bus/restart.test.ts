import { describe, expect, test } from 'vitest';
import { sleep } from '../../src/base/time/scheduler.ts';
import type { RunningBus } from '../../src/bus/serve-bus.ts';
import { collect, described, publishText, startContainer } from '../sidecar/simulated-container.ts';
import { busAddress, SimulatedWorld } from '../sidecar/simulated-world.ts';

async function withBus(story: (world: SimulatedWorld, bus: RunningBus) => Promise<void>): Promise<void> {
  const world = new SimulatedWorld(1);
  const run = async (): Promise<void> => story(world, await world.startBus());
  await world.run(run());
}

describe('after a restart of a bus that keeps nothing', () => {
  test('sidecars register again, and what is published arrives', () =>
    withBus(async (world, bus) => {
      const [one, two] = [await startContainer(world, 'one'), await startContainer(world, 'two')];
      const hooks: string[] = [];
      one.plugin.onDegrade(() => void hooks.push('degrade'));
      one.plugin.onResume(() => void hooks.push('resume'));
      const received = await collect(two.plugin);
      await publishText(one.plugin, '1');
      await world.until(() => received.length === 1);
      bus.close();
      await world.until(() => one.sidecar.state === 'DEGRADED' && two.sidecar.state === 'DEGRADED');
      await world.startBus();
      await world.until(() => one.sidecar.state === 'RUNNING' && two.sidecar.state === 'RUNNING');
      await sleep(world.scheduler, 1_000);
      expect((await publishText(one.plugin, '2')).outcome).toBe('accepted');
      await world.until(() => received.length === 2);
      expect(received).toEqual(['1', '2']);
      expect(hooks).toEqual(['degrade', 'resume']);
    }));

  test('a message still in hand is not taken for a new one', () =>
    withBus(async (world, bus) => {
      const [one, two] = [await startContainer(world, 'one'), await startContainer(world, 'two')];
      const received: string[] = [];
      let finish = (): void => {};
      await two.plugin.subscribe('demo.*', { name: 'all' }, async (message) => {
        received.push(described(message));
        if (received.length === 1)
          await new Promise<void>((resolve) => {
            finish = resolve;
          });
      });
      for (const text of ['1', '2']) await publishText(one.plugin, text);
      await world.until(() => received.length === 1);
      bus.close();
      await sleep(world.scheduler, 100);
      await world.startBus();
      await world.until(() => one.sidecar.state === 'RUNNING' && two.sidecar.state === 'RUNNING');
      await sleep(world.scheduler, 1_000);
      for (const text of ['3', '4']) await publishText(one.plugin, text);
      finish();
      await world.until(() => received.length === 4);
      expect(received).toEqual(['1', '2', '3', '4']);
    }));

  test('serving goes on', () =>
    withBus(async (world, bus) => {
      const [one, two] = [await startContainer(world, 'one'), await startContainer(world, 'two')];
      await two.plugin.serve('demo.*', () => ({ payload: Buffer.from('!') }));
      bus.close();
      await sleep(world.scheduler, 100);
      expect(await one.plugin.request('demo.x', Buffer.from('?'))).toEqual({
        outcome: 'refused',
        detail: 'the bus is away, and calls are never queued',
      });
      await world.startBus();
      await world.until(() => one.sidecar.state === 'RUNNING' && two.sidecar.state === 'RUNNING');
      await sleep(world.scheduler, 1_000);
      expect((await one.plugin.request('demo.x', Buffer.from('?'))).outcome).toBe('answered');
    }));
});

describe('while the bus is away', () => {
  test('a publish waits and is accepted once it is back', () =>
    withBus(async (world, bus) => {
      const one = await startContainer(world, 'one');
      bus.close();
      await world.until(() => one.sidecar.state === 'DEGRADED');
      const waiting = Promise.all(['1', '2', '3'].map((text) => publishText(one.plugin, text)));
      await sleep(world.scheduler, 20_000);
      await world.startBus();
      const outcomes = await waiting;
      expect(outcomes.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'accepted']);
    }));

  test('a publish that was never sent is refused at its deadline', () =>
    withBus(async (world, bus) => {
      const one = await startContainer(world, 'one');
      bus.close();
      await world.until(() => one.sidecar.state === 'DEGRADED');
      const atMs = world.scheduler.nowMs();
      expect(await publishText(one.plugin, '1')).toEqual({
        outcome: 'refused',
        reason: 'the bus was away for 30000 ms and the message was not sent',
      });
      expect(world.scheduler.nowMs() - atMs).toBeLessThan(30_100);
    }));

  test('the outcome of a publish that was sent and not answered is unknown at its deadline', () =>
    withBus(async (world) => {
      const one = await startContainer(world, 'one');
      world.network.partition(busAddress, true);
      expect(await publishText(one.plugin, '1')).toEqual({
        outcome: 'unknown',
        reason: expect.stringContaining('the bus did not answer within 30000 ms'),
      });
    }));

  test('a publish over the number of messages that may wait is refused at once, and the others are not lost', () =>
    withBus(async (world, bus) => {
      const one = await startContainer(world, 'one');
      bus.close();
      await world.until(() => one.sidecar.state === 'DEGRADED');
      const waiting = Array.from({ length: 1_024 }, (_, index) => publishText(one.plugin, `${index}`));
      await sleep(world.scheduler, 100);
      const atMs = world.scheduler.nowMs();
      await expect(publishText(one.plugin, 'one more')).rejects.toMatchObject({
        code: 'RESOURCE_EXHAUSTED',
        message: expect.stringContaining('1024 messages'),
      });
      expect(world.scheduler.nowMs() - atMs).toBeLessThan(100);
      await world.startBus();
      const outcomes = await Promise.all(waiting);
      expect(outcomes.every(({ outcome }) => outcome === 'accepted')).toBe(true);
    }));

  test('a publish over the bytes that may wait is refused at once', () =>
    withBus(async (world, bus) => {
      const one = await startContainer(world, 'one');
      bus.close();
      await world.until(() => one.sidecar.state === 'DEGRADED');
      const large = Buffer.alloc(960 * 1024);
      const waiting = Array.from({ length: 8 }, () => one.plugin.publish('demo.ticks', large));
      await sleep(world.scheduler, 100);
      await expect(one.plugin.publish('demo.ticks', large)).rejects.toMatchObject({
        code: 'RESOURCE_EXHAUSTED',
        message: expect.stringContaining('8388608 bytes'),
      });
      await world.startBus();
      expect((await Promise.all(waiting)).every(({ outcome }) => outcome === 'accepted')).toBe(true);
    }));
});
