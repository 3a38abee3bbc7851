import { expect, test } from 'vitest';
import type { Network } from '../../src/transport/rpc.ts';
import { startContainer } from './simulated-container.ts';
import { busAddress, inWorld } from './simulated-world.ts';

/** Drain, flush, deregister and close, as they are by default. */
const budgetMs = 6_000 + 1_000 + 500 + 500;

test('a stop takes no longer than its budget when neither the plugin nor the bus answers', () =>
  inWorld(async (world) => {
    const { sidecar, plugin } = await startContainer(world, 'one');
    plugin.onStop(() => new Promise(() => {}));
    world.network.partition(busAddress, true);
    const fromMs = world.scheduler.nowMs();
    expect(await sidecar.stop('SIGTERM')).toBe(74);
    expect(world.scheduler.nowMs() - fromMs).toBeLessThanOrEqual(budgetMs);
  }));

test('a stop that is hurried waits for the plugin no longer', () =>
  inWorld(async (world) => {
    const { sidecar, plugin } = await startContainer(world, 'one');
    const asked = Promise.withResolvers<void>();
    plugin.onStop(() => {
      asked.resolve();
      return new Promise(() => {});
    });
    const stopped = sidecar.stop('SIGTERM');
    await asked.promise;
    const fromMs = world.scheduler.nowMs();
    sidecar.hurry();
    expect(await stopped).toBe(74);
    expect(world.scheduler.nowMs() - fromMs).toBeLessThanOrEqual(500);
  }));

test('a stop during an attempt to connect that nobody answers takes no time at all', () =>
  inWorld(async (world) => {
    const silent: Network = {
      connect: () => new Promise(() => {}),
      listen: (address, options) => world.network.listen(address, options),
    };
    const { sidecar } = world.createSidecar({ INSTANCE_ID: 'one' }, silent);
    void sidecar.start();
    const fromMs = world.scheduler.nowMs();
    expect(await sidecar.stop('SIGTERM')).toBe(0);
    expect(world.scheduler.nowMs()).toBe(fromMs);
  }));
