import { describe, expect, test } from 'vitest';
import { sleep } from '../../src/base/time/scheduler.ts';
import { collect, publishText, startContainer } from '../sidecar/simulated-container.ts';
import { busAddress, inWorld, openPolicy, SimulatedWorld } from '../sidecar/simulated-world.ts';
import { BareSidecar } from './bare-sidecar.ts';

/** A bare owner of the instance id `one` that started before everything else in the world. */
async function bareOwner(world: SimulatedWorld): Promise<BareSidecar> {
  const bare = new BareSidecar(world, { instanceId: 'one', startedAtNs: 1n });
  await bare.register();
  bare.openSession();
  await bare.activate();
  return bare;
}

describe('a newer sidecar of an instance', () => {
  test('takes over: the older one drains, stands by and gets nothing more', () =>
    inWorld(async (world) => {
      const [older, publisher] = [await startContainer(world, 'one'), await startContainer(world, 'publisher')];
      const toOlder = await collect(older.plugin);
      await publishText(publisher.plugin, '1');
      await world.until(() => toOlder.length === 1);

      const hooks: string[] = [];
      older.plugin.onStop((reason) => void hooks.push(reason));
      const newer = await startContainer(world, 'one');
      const toNewer = await collect(newer.plugin);
      await world.until(() => older.sidecar.state === 'STANDBY');
      await older.plugin.stopped;
      await publishText(publisher.plugin, '2');
      await world.until(() => toNewer.length === 1);
      await sleep(world.scheduler, 5_000);

      expect(hooks).toEqual(['a newer sidecar took over']);
      expect(toOlder).toEqual(['1']);
      expect(toNewer).toEqual(['2']);
      expect([older.sidecar.state, newer.sidecar.state]).toEqual(['STANDBY', 'RUNNING']);
    }));

  test('is told as the reason to the plugin of the older one when that degrades', () =>
    inWorld(async (world) => {
      const older = await startContainer(world, 'one');
      const reasons: string[] = [];
      older.plugin.onDegrade((reason) => void reasons.push(reason));
      // Still there when the sidecar gives the id back.
      older.plugin.onStop(() => Promise.withResolvers<void>().promise);
      await startContainer(world, 'one');
      await world.until(() => reasons.length > 0);
      expect(reasons).toEqual([expect.stringMatching(/^a newer (start|registration) /)]);
    }));

  test('is why the older one, which stands by, refuses to publish and to call', () =>
    inWorld(async (world) => {
      const older = await startContainer(world, 'one');
      await startContainer(world, 'one');
      await older.plugin.stopped;
      await sleep(world.scheduler, 5_000);
      const another = await world.connectPlugin(older.address);
      const why = 'a newer sidecar of this instance took over, and this one stands by';
      const atMs = world.scheduler.nowMs();
      expect(await publishText(another, '1')).toEqual({ outcome: 'refused', reason: why });
      expect(await another.request('demo.questions', Buffer.from('?'))).toEqual({ outcome: 'refused', detail: why });
      expect(world.scheduler.nowMs() - atMs).toBeLessThan(1_000);
    }));

  test('gets what the older one left unacknowledged, marked', () =>
    inWorld(async (world) => {
      const [older, publisher] = [await startContainer(world, 'one'), await startContainer(world, 'publisher')];
      let seen = 0;
      await older.plugin.subscribe('demo.*', { name: 'all' }, () => {
        seen += 1;
        throw new Error('not today');
      });
      for (const text of ['1', '2']) await publishText(publisher.plugin, text);
      await world.until(() => seen === 2);
      const toNewer = await collect((await startContainer(world, 'one')).plugin);
      await world.until(() => toNewer.length === 2);
      expect(toNewer).toEqual(['1 again?', '2 again?']);
    }));

  test('that has only reserved the id neither silences the older one nor writes', () =>
    inWorld(async (world) => {
      const [older, publisher] = [await startContainer(world, 'one'), await startContainer(world, 'publisher')];
      const received = await collect(older.plugin);
      const newcomer = new BareSidecar(world, { instanceId: 'one', startedAtNs: world.scheduler.wallTimeNs() });
      await newcomer.register();
      newcomer.openSession();
      newcomer.send({
        case: 'subscribe',
        value: { subscriptionId: 1, name: 'all', pattern: 'demo.*', creditMessages: 9 },
      });
      expect(await newcomer.publish(1n)).toMatch(/does not own the instance id/);

      await publishText(publisher.plugin, '1');
      expect((await publishText(older.plugin, '2')).outcome).toBe('accepted');
      await world.until(() => received.length === 2);
      expect(older.sidecar.state).toBe('RUNNING');
      expect(newcomer.events.map((event) => event.case)).not.toContain('delivery');
    }));

  test('begins to receive only when the older one has drained, which may publish until its deadline', () =>
    inWorld(async (world) => {
      const older = await bareOwner(world);
      const publisher = await startContainer(world, 'publisher');
      const newer = await startContainer(world, 'one');
      const atMs = world.scheduler.nowMs();
      const opening = collect(newer.plugin);
      expect(await older.publish(1n)).toBeUndefined();
      const received = await opening;
      expect(world.scheduler.nowMs() - atMs).toBeGreaterThan(7_000);
      await world.until(() => older.sessionEnd !== undefined);
      expect(older.sessionEnd).toMatchObject({ code: 'ABORTED' });
      await publishText(publisher.plugin, '1');
      await world.until(() => received.length === 1);
    }));

  test('does not wait for an older one that falls silent while it drains', () =>
    inWorld(async (world) => {
      await bareOwner(world);
      await sleep(world.scheduler, 6_000);
      const newer = await startContainer(world, 'one');
      const received = await collect(newer.plugin);
      await publishText(newer.plugin, '1');
      await world.until(() => received.length === 1);
    }));

  test('does not wait longer for an older one that connects anew while it drains', () =>
    inWorld(async (world) => {
      const older = await bareOwner(world);
      const newer = await startContainer(world, 'one');
      await older.register();
      older.openSession();
      const received = await collect(newer.plugin);
      await publishText(newer.plugin, '1');
      await world.until(() => received.length === 1);
    }));

  test('lets an older one that drains finish its work also when its connection to the bus is cut', () =>
    inWorld(async (world) => {
      const [older, publisher] = [await startContainer(world, 'one'), await startContainer(world, 'publisher')];
      const handling = Promise.withResolvers<void>();
      const taken = Promise.withResolvers<void>();
      await older.plugin.subscribe('demo.*', { name: 'all' }, () => {
        taken.resolve();
        return handling.promise;
      });
      await publishText(publisher.plugin, '1');
      await taken.promise;

      const newer = await startContainer(world, 'one');
      const toNewer = collect(newer.plugin);
      await world.until(() => older.sidecar.state === 'STANDBY');
      older.sidecarNetwork.cut();
      expect(await publishText(older.plugin, '2')).toMatchObject({ outcome: 'accepted' });
      handling.resolve();
      await older.plugin.stopped;
      expect(older.sidecar.state).toBe('STANDBY');

      const received = await toNewer;
      await publishText(publisher.plugin, '3');
      await world.until(() => received.includes('3'));
      expect(received).toEqual(['2', '3']);
      expect([older.sidecar.state, newer.sidecar.state]).toEqual(['STANDBY', 'RUNNING']);
    }));

  test('makes an older one stand by that could not be told, once it reaches the bus again', () =>
    inWorld(async (world) => {
      const older = await startContainer(world, 'one');
      const hooks: string[] = [];
      older.plugin.onStop((reason) => void hooks.push(reason));
      older.sidecarNetwork.isolate(true);
      await world.until(() => older.sidecar.state === 'DEGRADED');
      const newer = await startContainer(world, 'one');
      expect(hooks).toEqual([]);

      older.sidecarNetwork.isolate(false);
      await world.until(() => older.sidecar.state === 'STANDBY');
      await older.plugin.stopped;
      await sleep(world.scheduler, 20_000);
      expect(hooks).toEqual(['a newer sidecar took over']);
      expect([older.sidecar.state, newer.sidecar.state]).toEqual(['STANDBY', 'RUNNING']);
    }));

  test('keeps the id when an older one returns whose lease had ended before', () =>
    inWorld(async (world) => {
      const older = await bareOwner(world);
      await sleep(world.scheduler, 15_000);
      const newer = await startContainer(world, 'one');
      const received = await collect(newer.plugin);
      await expect(older.register()).rejects.toThrow(/a newer sidecar of one owns the id/);
      await publishText(newer.plugin, '1');
      await world.until(() => received.length === 1);
      expect(newer.sidecar.state).toBe('RUNNING');
    }));

  test('takes over also when it reserved the id before the older one did', () =>
    inWorld(async (world) => {
      const newer = new BareSidecar(world, { instanceId: 'one', startedAtNs: 2n });
      await newer.register();
      newer.openSession();
      const older = await bareOwner(world);
      await world.until(() => newer.sessionEnd !== undefined);
      expect(newer.sessionEnd).toMatchObject({ code: 'ABORTED' });
      await newer.register();
      newer.openSession();
      await newer.activate();
      expect(newer.epoch).toBeGreaterThan(older.epoch);
      expect(await newer.publish(1n)).toBeUndefined();
      expect(older.events.map((event) => event.case)).toContain('superseded');
    }));

  test('gives way to the one that stands by when its lease ends without a release', () =>
    inWorld(async (world) => {
      const older = await startContainer(world, 'one');
      const newer = await startContainer(world, 'one');
      await world.until(() => older.sidecar.state === 'STANDBY');
      await sleep(world.scheduler, 20_000);
      expect(older.sidecar.state).toBe('STANDBY');
      newer.killSidecar();
      await world.until(() => older.sidecar.state === 'READY');
      const plugin = await world.connectPlugin(older.address);
      expect((await publishText(plugin, '1')).outcome).toBe('accepted');
    }));
});

test('an epoch is not taken up by another principal', () =>
  inWorld(async (world) => {
    const owner = await bareOwner(world);
    const network = world.network.as('someone else');
    const { instanceId, epoch } = owner;
    const other = new BareSidecar(world, { instanceId, startedAtNs: 2n, epoch, network });
    await other.register();
    expect(other.epoch).toBeGreaterThan(epoch);
    expect(await owner.publish(1n)).toBeUndefined();
  }));

describe('a lease', () => {
  test('ends without a heartbeat, and its owner goes on under the same epoch when it returns', () =>
    inWorld(async (world) => {
      const [one, two] = [await startContainer(world, 'one'), await startContainer(world, 'two')];
      const received = await collect(two.plugin);
      expect((await publishText(one.plugin, '1')).outcome).toBe('accepted');
      world.network.partition(busAddress, true);
      await sleep(world.scheduler, 15_000);
      expect([one.sidecar.state, two.sidecar.state]).toEqual(['DEGRADED', 'DEGRADED']);
      const waiting = publishText(one.plugin, '2');
      world.network.partition(busAddress, false);
      const second = await waiting;
      await world.until(() => received.length === 2);
      expect(received).toEqual(['1', '2']);
      expect([one.sidecar.state, two.sidecar.state]).toEqual(['RUNNING', 'RUNNING']);
      expect(second).toEqual({
        outcome: 'accepted',
        messageId: expect.stringMatching(/^one-\d+-2$/),
        duplicate: false,
      });
    }));

  test('is kept however short it is', async () => {
    const world = new SimulatedWorld(1);
    const story = async (): Promise<void> => {
      await world.startBus(openPolicy, world.createStore(), 500);
      const one = await startContainer(world, 'one');
      const states: string[] = [];
      one.plugin.onDegrade((reason) => void states.push(reason));
      await sleep(world.scheduler, 60_000);
      expect(one.sidecar.state).toBe('RUNNING');
      expect(states).toEqual([]);
    };
    await world.run(story());
  });

  test('is not counted on by its owner after it has ended at the bus', () =>
    inWorld(async (world) => {
      const one = await startContainer(world, 'one');
      await sleep(world.scheduler, 60_000);
      const cutAtMs = world.scheduler.nowMs();
      world.network.partition(busAddress, true);
      await world.until(() => one.sidecar.state === 'DEGRADED');
      expect(world.scheduler.nowMs() - cutAtMs).toBeLessThanOrEqual(9_100);
    }));
});
