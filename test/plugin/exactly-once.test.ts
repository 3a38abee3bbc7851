import { describe, expect, test } from 'vitest';
import { randomBelow } from '../../src/base/random.ts';
import { sleep } from '../../src/base/time/scheduler.ts';
import type { Plugin } from '../../src/plugin/plugin.ts';
import { MortalNetwork } from '../../src/simulation/network/mortal-network.ts';
import { publishText, startContainer, textOf } from '../sidecar/simulated-container.ts';
import { SimulatedWorld } from '../sidecar/simulated-world.ts';

describe('state saved together with acknowledgements', () => {
  const messages = 40;

  interface Tally {
    readonly count: number;
    readonly last: number;
  }

  /** Counts every message in its state, in which a repeat or a gap would show. */
  async function count(plugin: Plugin, faults: string[]): Promise<void> {
    const stored = await plugin.loadState();
    let tally: Tally = stored ? (JSON.parse(textOf(stored)) as Tally) : { count: 0, last: -1 };
    await plugin.subscribe('demo.*', { name: 'all' }, async (message) => {
      const number = Number(textOf(message.payload));
      if (number !== tally.last + 1) faults.push(`${number} after ${tally.last}`);
      const next = { count: tally.count + 1, last: number };
      await plugin.saveState(Buffer.from(JSON.stringify(next)), { acknowledge: [message] });
      tally = next;
    });
  }

  async function countUnderKills(world: SimulatedWorld): Promise<{ tally: Tally; faults: string[]; kills: number }> {
    await world.startBus();
    const faults: string[] = [];
    const { sidecar, address } = world.createSidecar({ INSTANCE_ID: 'counter' });
    await sidecar.start();
    let network = new MortalNetwork(world.network);
    let plugin = await world.connectPlugin(address, network);
    await count(plugin, faults);
    const publisher = await startContainer(world, 'publisher');
    const publishing = (async () => {
      for (let index = 0; index < messages; index += 1) await publishText(publisher.plugin, `${index}`);
    })();
    const last = async (): Promise<Tally> => {
      const state = await plugin.loadState();
      return state ? (JSON.parse(textOf(state)) as Tally) : { count: 0, last: -1 };
    };
    let kills = 0;
    while ((await last()).last < messages - 1) {
      await sleep(world.scheduler, 50 + randomBelow(world.scheduler.random, 300));
      network.kill();
      kills += 1;
      network = new MortalNetwork(world.network);
      plugin = await world.connectPlugin(address, network);
      await count(plugin, faults);
    }
    await publishing;
    return { tally: await last(), faults, kills };
  }

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
    'seed %i: every message counts exactly once, however often the plugin is killed',
    async (seed) => {
      const world = new SimulatedWorld(seed);
      const { tally, faults, kills } = await world.run(countUnderKills(world));
      expect(kills).toBeGreaterThan(2);
      expect(faults).toEqual([]);
      expect(tally).toEqual({ count: messages, last: messages - 1 });
    },
  );
});
