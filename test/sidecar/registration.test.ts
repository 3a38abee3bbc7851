import { expect, test } from 'vitest';
import { MemoryStore } from '../../src/bus/memory/memory-store.ts';
import type { Start } from '../../src/bus/store.ts';
import { busAddress, openPolicy, SimulatedWorld } from './simulated-world.ts';

test('a bus that goes away while a sidecar registers is waited for like one that is not there yet', async () => {
  const world = new SimulatedWorld(1);
  /** Every connection to the bus breaks while it gives out the first epochs. */
  class InterruptedStore extends MemoryStore {
    cutsLeft = 3;

    override async reserve(instanceId: string, start: Start): Promise<bigint> {
      this.cutsLeft -= 1;
      if (this.cutsLeft >= 0) world.network.cut(busAddress);
      return super.reserve(instanceId, start);
    }
  }
  const store = new InterruptedStore({ scheduler: world.scheduler });
  const story = async (): Promise<void> => {
    await world.startBus(openPolicy, store);
    const { sidecar } = world.createSidecar({ INSTANCE_ID: 'one' });
    await sidecar.start();
    expect(sidecar.state).toBe('READY');
    expect(store.cutsLeft).toBeLessThan(0);
  };
  await world.run(story());
});

test('one that stays away ends the start with 69 within its time', async () => {
  const world = new SimulatedWorld(1);
  class DeadStore extends MemoryStore {
    override async reserve(): Promise<bigint> {
      world.network.cut(busAddress);
      return 0n;
    }
  }
  const story = async (): Promise<void> => {
    await world.startBus(openPolicy, new DeadStore({ scheduler: world.scheduler }));
    const { sidecar } = world.createSidecar({ INSTANCE_ID: 'one', SIDECAR_CONNECT_TIMEOUT: '20s' });
    await expect(sidecar.start()).rejects.toMatchObject({ id: 'sidecar/startup/bus-unreachable', exitCode: 69 });
    expect(world.scheduler.nowMs()).toBeLessThan(30_000);
  };
  await world.run(story());
});
