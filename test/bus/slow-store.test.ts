import { expect, test } from 'vitest';
import { sleep } from '../../src/base/time/scheduler.ts';
import { collect, publishText, startContainer } from '../sidecar/simulated-container.ts';
import { openPolicy, SimulatedWorld } from '../sidecar/simulated-world.ts';
import { HeldStore } from './held-store.ts';

/** Longer than a lease of 10 s and shorter than the 30 s that a publish waits in the outbox. */
const stallMs = 25_000;

async function withSlowStore(story: (world: SimulatedWorld, store: HeldStore) => Promise<void>): Promise<void> {
  const world = new SimulatedWorld(1);
  const store = new HeldStore({ scheduler: world.scheduler });
  const run = async (): Promise<void> => {
    await world.startBus(openPolicy, store);
    await story(world, store);
  };
  await world.run(run());
}

test('a sidecar with its outbox full of publishes that the store is slow to take keeps its session', () =>
  withSlowStore(async (world, store) => {
    const { plugin, sidecar } = await startContainer(world, 'one');
    store.hold();
    const outcomes = Array.from({ length: 1_024 }, (_, index) => publishText(plugin, String(index)));
    await sleep(world.scheduler, stallMs);
    expect(sidecar.state).toBe('RUNNING');
    store.release();
    const answers = await Promise.all(outcomes);
    expect(answers.filter(({ outcome }) => outcome !== 'accepted')).toEqual([]);
    // One session all along: no publish was sent twice.
    expect(store.appends.flatMap(({ sequences }) => sequences)).toHaveLength(1_024);
  }));

test('acknowledgements that the store is slow to take cost nobody the session, and nothing comes again', () =>
  withSlowStore(async (world, store) => {
    const { plugin, sidecar } = await startContainer(world, 'one');
    const received = await collect(plugin);
    for (let index = 0; index < 50; index += 1) await publishText(plugin, String(index));
    store.hold();
    await world.until(() => received.length === 50);
    await sleep(world.scheduler, stallMs);
    expect(sidecar.state).toBe('RUNNING');
    store.release();
    await sleep(world.scheduler, 1_000);
    expect(received).toEqual(Array.from({ length: 50 }, (_, index) => `${index}`));
  }));
