import { describe, expect, test } from 'vitest';
import { sleep } from '../../src/base/time/scheduler.ts';
import { collect, publishText, startContainer } from '../sidecar/simulated-container.ts';
import { inWorld } from '../sidecar/simulated-world.ts';

describe('publishing', () => {
  test('says what was refused and why', () =>
    inWorld(async (world) => {
      const { plugin } = await startContainer(world, 'one');
      expect(await plugin.publish('other.topic', Buffer.from(''))).toEqual({
        outcome: 'refused',
        reason: expect.stringContaining('no publish grant for other.topic'),
      });
      expect(await plugin.publish('demo..x', Buffer.from(''))).toMatchObject({ outcome: 'refused' });
      await expect(plugin.publish('demo.x', new Uint8Array(960 * 1024 + 1))).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('983040'),
      });
    }));

  test('keeps the order of publishes that do not wait for one another', () =>
    inWorld(async (world) => {
      const { plugin } = await startContainer(world, 'one');
      const received = await collect(plugin);
      const texts = Array.from({ length: 1_000 }, (_, index) => `${index}`);
      const outcomes = await Promise.all(texts.map((text) => publishText(plugin, text)));
      expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['accepted']));
      await world.until(() => received.length === texts.length);
      expect(received).toEqual(texts);
    }));

  test('fails what is over a limit, and nothing that was published with it', () =>
    inWorld(async (world) => {
      const { plugin } = await startContainer(world, 'one');
      const received = await collect(plugin);
      const wrong = (correlationId: string) => plugin.publish('demo.ticks', Buffer.from('wrong'), { correlationId });
      const endings = await Promise.allSettled([
        publishText(plugin, '1'),
        wrong('x'.repeat(1_025)),
        publishText(plugin, '2'),
        wrong('x'.repeat(100_000)),
        publishText(plugin, '3'),
      ]);
      const codes = endings.map((each) => (each.status === 'fulfilled' ? each.value.outcome : each.reason.code));
      expect(codes).toEqual(['accepted', 'INVALID_ARGUMENT', 'accepted', 'INVALID_ARGUMENT', 'accepted']);
      await world.until(() => received.length === 3);
      expect(received).toEqual(['1', '2', '3']);
    }));

  test.each([0, 64 * 1024 - 200, 64 * 1024 - 100, 64 * 1024, 64 * 1024 + 1, 960 * 1024])(
    'carries a payload of %i bytes',
    (byteLength) =>
      inWorld(async (world) => {
        const { plugin } = await startContainer(world, 'one');
        const lengths: number[] = [];
        await plugin.subscribe('demo.*', { name: 'all' }, ({ payload }) => void lengths.push(payload.byteLength));
        const publishes = [1, 2, 3].map(() => plugin.publish('demo.ticks', new Uint8Array(byteLength)));
        for (const { outcome } of await Promise.all(publishes)) expect(outcome).toBe('accepted');
        await world.until(() => lengths.length === 3);
        expect(lengths).toEqual([byteLength, byteLength, byteLength]);
      }),
  );

  test('says unknown when the connection is cut before the answer', () =>
    inWorld(async (world) => {
      const one = await startContainer(world, 'one');
      const publishing = publishText(one.plugin, '1');
      await sleep(world.scheduler, 5);
      world.network.cut(one.address);
      expect((await publishing).outcome).toBe('unknown');
      expect((await publishText(one.plugin, '2')).outcome).toBe('accepted');
    }));

  test('fails when there is no sidecar for as long as it waits', () =>
    inWorld(async (world) => {
      const one = await startContainer(world, 'one');
      one.killSidecar();
      await sleep(world.scheduler, 100);
      await expect(publishText(one.plugin, '1')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    }));
});
