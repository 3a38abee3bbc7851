import { describe, expect, test } from 'vitest';
import { sleep } from '../../src/base/time/scheduler.ts';
import { collect, publishText, startContainer } from '../sidecar/simulated-container.ts';
import { openPolicy, SimulatedWorld } from '../sidecar/simulated-world.ts';
import { BareSidecar } from './bare-sidecar.ts';

const leaseMs = 10_000;

/** A story in which `restart` ends the bus and starts another on the store that it left. */
async function withLastingStore(
  story: (world: SimulatedWorld, restart: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const world = new SimulatedWorld(1);
  const store = world.createStore();
  const run = async (): Promise<void> => {
    let bus = await world.startBus(openPolicy, store);
    await story(world, async () => {
      bus.close();
      await sleep(world.scheduler, 100);
      bus = await world.startBus(openPolicy, store);
    });
  };
  await world.run(run());
}

describe('after a restart of a bus that keeps its store', () => {
  test('sidecars resume their epochs, and what was accepted before arrives', () =>
    withLastingStore(async (world, restart) => {
      const [one, two] = [await startContainer(world, 'one'), await startContainer(world, 'two')];
      const received = await collect(two.plugin);
      await publishText(one.plugin, '1');
      await restart();
      await publishText(one.plugin, '2');
      await world.until(() => received.length === 2);
      expect(received).toEqual(['1', '2']);
    }));

  test('an older start cannot take the id before its owner is back, and may once nobody came', () =>
    withLastingStore(async (world, restart) => {
      const owner = new BareSidecar(world, { instanceId: 'one', startedAtNs: 2n });
      await owner.register();
      owner.openSession();
      await owner.activate();
      await restart();
      const older = new BareSidecar(world, { instanceId: 'one', startedAtNs: 1n });
      await expect(older.register()).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });

      const { epoch } = owner;
      await owner.register();
      expect(owner.epoch).toBe(epoch);
      await expect(older.register()).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });

      await sleep(world.scheduler, 2 * leaseMs);
      await older.register();
      await older.activate();
    }));

  test('another principal that may be the instance neither resumes the epoch of its owner nor ends it', () =>
    withLastingStore(async (world, restart) => {
      const owner = new BareSidecar(world, { instanceId: 'one', startedAtNs: 1n });
      await owner.register();
      owner.openSession();
      await owner.activate();
      const { epoch } = owner;
      await restart();
      const network = world.network.as('someone else');
      const other = new BareSidecar(world, { instanceId: 'one', startedAtNs: 2n, epoch, network });
      await other.register();
      expect(other.epoch).toBeGreaterThan(epoch);
      await owner.register();
      owner.openSession();
      expect(owner.epoch).toBe(epoch);
      expect(await owner.publish(1n)).toBeUndefined();
    }));

  test('an owner that was draining has had its time, and writes no more', () =>
    withLastingStore(async (world, restart) => {
      const older = new BareSidecar(world, { instanceId: 'one', startedAtNs: 1n });
      await older.register();
      older.openSession();
      await older.activate();
      const newer = new BareSidecar(world, { instanceId: 'one', startedAtNs: 2n });
      await newer.register();
      newer.openSession();
      await newer.activate();
      expect(await older.publish(1n)).toBeUndefined();

      await restart();
      await expect(older.register()).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
      await newer.register();
      newer.openSession();
      await newer.activate();
      expect(await newer.publish(1n)).toBeUndefined();
    }));
});
