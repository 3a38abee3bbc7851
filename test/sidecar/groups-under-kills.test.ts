import { describe, expect, test } from 'vitest';
import { randomBelow } from '../../src/base/random.ts';
import { sleep } from '../../src/base/time/scheduler.ts';
import { type Container, startContainer, textOf } from './simulated-container.ts';
import { openPolicy, SimulatedWorld } from './simulated-world.ts';

const group = { name: 'jobs', group: 'workers', startTimeNs: 0n };

describe('whoever is killed, at whatever moment', () => {
  interface Run {
    readonly handled: Map<string, number>;
    readonly faults: string[];
  }

  /** Members that take some time for each message, and note what must not happen. */
  async function underKills(world: SimulatedWorld): Promise<Run> {
    await world.startBus(openPolicy, world.createStore(), 2_000);
    const run: Run = { handled: new Map(), faults: [] };
    const lastOfKey = new Map<string, number>();
    const busy = new Map<string, string>();
    const start = async (id: string): Promise<Container> => {
      const container = await startContainer(world, id);
      await container.plugin.subscribe(
        'demo.*',
        { ...group, window: { messages: 5, bytes: 1_000_000 } },
        async (message) => {
          const { partitionKey, maybeRedelivered } = message;
          const text = textOf(message.payload);
          if (run.handled.has(text) && !maybeRedelivered) run.faults.push(`${text} came again unmarked`);
          const last = lastOfKey.get(partitionKey) ?? -1;
          if (!maybeRedelivered && Number(text) < last) run.faults.push(`${text} after ${last}`);
          lastOfKey.set(partitionKey, Math.max(last, Number(text)));
          if (busy.has(partitionKey))
            run.faults.push(`${id} has ${text} while ${busy.get(partitionKey)} handles its key`);
          busy.set(partitionKey, id);
          await sleep(world.scheduler, randomBelow(world.scheduler.random, 40));
          if (busy.get(partitionKey) === id) busy.delete(partitionKey);
          run.handled.set(text, (run.handled.get(text) ?? 0) + 1);
        },
      );
      return container;
    };
    const members = [await start('a'), await start('b'), await start('c')];
    const { plugin } = await startContainer(world, 'publisher');
    const publishing = (async () => {
      for (let index = 0; index < 150; index += 1) {
        await plugin.publish('demo.ticks', Buffer.from(`${index}`), { partitionKey: `k${index % 7}` });
      }
    })();
    for (let killed = 0; run.handled.size < 150; killed += 1) {
      await sleep(world.scheduler, 200 + randomBelow(world.scheduler.random, 600));
      const index = killed % members.length;
      const id = ['a', 'b', 'c'][index] ?? 'a';
      members[index]?.killSidecar();
      members[index]?.killPlugin();
      // What it had begun ends with it.
      for (const [key, member] of busy) if (member === id) busy.delete(key);
      members[index] = await start(id);
    }
    await publishing;
    return run;
  }

  test.each([1, 2, 3, 4, 5, 6])(
    'seed %i: everything is handled, in order for each key, one at a time',
    async (seed) => {
      const world = new SimulatedWorld(seed);
      const { handled, faults } = await world.run(underKills(world));
      expect(faults).toEqual([]);
      expect(handled.size).toBe(150);
    },
  );
});
