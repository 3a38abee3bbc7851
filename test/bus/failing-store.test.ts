import { expect, test } from 'vitest';
import { sleep } from '../../src/base/time/scheduler.ts';
import { MemoryStore } from '../../src/bus/store/in-memory/memory-store.ts';
import { collect, publishText, startContainer } from '../sidecar/simulated-container.ts';
import { openPolicy, SimulatedWorld } from '../sidecar/simulated-world.ts';

/** A store that does everything but acknowledge. */
class FailingStore extends MemoryStore {
  activations = 0;

  override async activate(owner: Parameters<MemoryStore['activate']>[0]): ReturnType<MemoryStore['activate']> {
    this.activations += 1;
    return super.activate(owner);
  }

  override async acknowledge(): Promise<void> {
    throw new Error('no acknowledgement can be stored');
  }
}

test('a session that is lost as soon as it is there is made again more and more rarely', async () => {
  const world = new SimulatedWorld(1);
  const store = new FailingStore({ scheduler: world.scheduler });
  const run = async (): Promise<void> => {
    await world.startBus(openPolicy, store);
    const { plugin } = await startContainer(world, 'one');
    await collect(plugin);
    await publishText(plugin, 'a message');
    await sleep(world.scheduler, 20_000);
    expect(store.activations).toBeGreaterThan(2);
    expect(store.activations).toBeLessThan(20);
  };
  await world.run(run());
});
