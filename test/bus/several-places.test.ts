import { describe, expect, test } from 'vitest';
import type { RunningBus } from '../../src/bus/serve-bus.ts';
import { textOf } from '../sidecar/simulated-container.ts';
import { openPolicy, SimulatedWorld } from '../sidecar/simulated-world.ts';

const places = ['bus-a:8443', 'bus-b:8443'] as const;

/** Two processes of one bus. */
class TwoPlaces {
  readonly world: SimulatedWorld;
  readonly running = new Map<string, RunningBus>();
  readonly #store;

  constructor(seed: number) {
    this.world = new SimulatedWorld(seed);
    this.#store = this.world.createStore();
  }

  async start(place: string): Promise<void> {
    this.running.set(place, await this.world.startBus(openPolicy, this.#store, 10_000, place));
  }

  stop(place: string): void {
    this.running.get(place)?.close();
    this.running.delete(place);
  }

  async drain(place: string): Promise<void> {
    await this.running.get(place)?.drain();
    this.stop(place);
  }

  /** A sidecar of both places, and its plugin. */
  async container(instanceId: string) {
    const environment = { INSTANCE_ID: instanceId, SIDECAR_BUS_API_URL: places.join() };
    const { sidecar, address } = this.world.createSidecar(environment);
    await sidecar.start();
    return { sidecar, plugin: await this.world.connectPlugin(address) };
  }
}

describe.each([
  ['drains', (two: TwoPlaces, place: string) => two.drain(place)],
  ['is gone at once', async (two: TwoPlaces, place: string) => two.stop(place)],
])('when one process of a bus %s', (_, end) => {
  test.each([1, 2, 3, 4])(
    'its sidecars go on at the other within two seconds, nothing lost, repeated or out of order (seed %i)',
    async (seed) => {
      const two = new TwoPlaces(seed);
      const { world } = two;
      const story = async (): Promise<void> => {
        for (const place of places) await two.start(place);
        const [publisher, subscriber] = [await two.container('publisher'), await two.container('subscriber')];
        const received: string[] = [];
        const gapsMs: number[] = [];
        let lastMs = world.scheduler.nowMs();
        await subscriber.plugin.subscribe('demo.*', { name: 'all' }, (message) => {
          received.push(textOf(message.payload));
          gapsMs.push(world.scheduler.nowMs() - lastMs);
          lastMs = world.scheduler.nowMs();
        });
        const outcomes: string[] = [];
        const publish = async (count: number): Promise<void> => {
          for (let left = count; left > 0; left -= 1) {
            const { outcome } = await publisher.plugin.publish('demo.ticks', Buffer.from(`${outcomes.length}`));
            outcomes.push(outcome);
          }
        };
        await publish(100);
        for (const place of places) {
          const ending = end(two, place);
          await publish(300);
          await ending;
          await two.start(place);
        }
        expect(new Set(outcomes)).toEqual(new Set(['accepted']));
        await world.until(() => received.length >= outcomes.length);
        expect(received).toEqual(outcomes.map((__, index) => `${index}`));
        expect(Math.max(...gapsMs)).toBeLessThan(2_000);
      };
      await world.run(story());
    },
  );
});

test('a sidecar starts although the first process that it tries is away', async () => {
  for (const seed of [1, 2, 3, 4]) {
    const two = new TwoPlaces(seed);
    await two.world.run(
      (async () => {
        await two.start(places[1]);
        expect((await two.container('one')).sidecar.state).toBe('RUNNING');
      })(),
    );
  }
});

test('a draining process takes nobody in', async () => {
  const two = new TwoPlaces(1);
  await two.world.run(
    (async () => {
      for (const place of places) await two.start(place);
      const draining = two.running.get(places[0])?.drain();
      const starting = await Promise.all(Array.from({ length: 8 }, (_, index) => two.container(`one-${index}`)));
      expect(starting.map(({ sidecar }) => sidecar.state)).toEqual(Array(8).fill('RUNNING'));
      await draining;
    })(),
  );
});
