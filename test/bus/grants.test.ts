import { describe, expect, test } from 'vitest';
import { sleep } from '../../src/base/time/scheduler.ts';
import type { Policy } from '../../src/bus/access/policy.ts';
import type { RunningBus } from '../../src/bus/serve-bus.ts';
import { create } from '../../src/contract/wire/codec/message.ts';
import { EndReason } from '../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { DecideGrantsRequestSchema } from '../../src/contract/wire/gen/meridian/bus/v1/grants_pb.ts';
import { limits } from '../../src/contract/wire/limits.ts';
import { grantMethods } from '../../src/contract/wire/methods.ts';
import type { Grant } from '../../src/contract/wire/topics/grants.ts';
import { grantsToWire } from '../../src/contract/wire/topics/grants-on-wire.ts';
import { publishText, startContainer } from '../sidecar/simulated-container.ts';
import { busAddress, openPolicy, SimulatedWorld } from '../sidecar/simulated-world.ts';
import { BareSidecar } from './bare-sidecar.ts';

const demo: readonly Grant[] = [
  { action: 'publish', pattern: 'demo.**' },
  { action: 'subscribe', pattern: 'demo.**' },
];
const policyOf = (approval: 'auto' | 'manual', grants: readonly Grant[] = demo): Policy => ({
  deploymentId: 'simulated',
  admins: ['*'],
  rules: [{ principals: ['*'], instances: ['*'], pools: ['*'], grants, approval }],
});

/** Runs a story in a world of its own with a bus whose policy may be replaced. */
async function withBus(
  policy: Policy,
  story: (world: SimulatedWorld, bus: RunningBus) => Promise<void>,
): Promise<void> {
  const world = new SimulatedWorld(1);
  const run = async (): Promise<void> => story(world, await world.startBus(policy));
  await world.run(run());
}

async function decide(
  world: SimulatedWorld,
  verb: 'approve' | 'revoke',
  grants: readonly Grant[],
  instanceId = 'one',
): Promise<void> {
  const connection = await world.network.connect(busAddress, {
    maxMessageBytes: limits.messageBytes,
    timeoutMs: 5_000,
  });
  await connection.unary(
    grantMethods[verb],
    create(DecideGrantsRequestSchema, { instanceId, grants: grantsToWire(grants) }),
  );
  connection.close();
}

/** A sidecar that ignores what it is told of its grants, with a subscription and a server on `demo.*`. */
async function heedless(world: SimulatedWorld): Promise<BareSidecar> {
  const bare = new BareSidecar(world, { instanceId: 'one', startedAtNs: 1n });
  await bare.register();
  bare.openSession();
  await bare.activate();
  subscribe(bare, 1);
  bare.send({ case: 'serve', value: { serverId: 1, pattern: 'demo.*' } });
  await seen(world, bare, 'subscribed');
  await seen(world, bare, 'serving');
  return bare;
}

function subscribe(bare: BareSidecar, subscriptionId: number): void {
  const credit = { creditMessages: 9, creditBytes: 9_999 };
  bare.send({ case: 'subscribe', value: { subscriptionId, name: 'all', pattern: 'demo.*', ...credit } });
}

async function seen(world: SimulatedWorld, bare: BareSidecar, name: string, count = 1): Promise<void> {
  await world.until(() => namesOf(bare).filter((each) => each === name).length >= count);
}

const namesOf = (bare: BareSidecar): (string | undefined)[] => bare.events.map((event) => event.case);

describe('a revoke, to a sidecar that ignores it', () => {
  test('tells the whole set first, then ends what rests on the grant, and brings nothing more', () =>
    withBus(policyOf('auto'), async (world) => {
      const publisher = await startContainer(world, 'publisher');
      const bare = await heedless(world);
      const before = bare.events.length;
      await decide(world, 'revoke', [{ action: 'subscribe', pattern: 'demo.**' }]);
      await seen(world, bare, 'servingEnded');
      const since = bare.events.slice(before);
      expect(since.map((event) => event.case)).toEqual(['grants', 'subscriptionEnded', 'servingEnded']);
      expect(since[0]?.value).toMatchObject({
        granted: [{ pattern: 'demo.**' }],
        undecided: [],
        denied: [{ pattern: 'demo.**', reason: expect.stringMatching(/^revoked by anonymous at /) }],
      });
      for (const ended of since.slice(1)) {
        expect(ended.value).toMatchObject({
          reason: EndReason.NOT_GRANTED,
          detail:
            'the subscribe grant for demo.* is gone: anonymous revoked subscribe demo.**; there is no subscribe grant at all',
        });
      }
      await publishText(publisher.plugin, 'secret');
      expect(await publisher.plugin.request('demo.ask', Buffer.from('?'))).toMatchObject({ outcome: 'no_handler' });
      subscribe(bare, 2);
      bare.send({ case: 'serve', value: { serverId: 2, pattern: 'demo.*' } });
      await seen(world, bare, 'subscriptionEnded', 2);
      await seen(world, bare, 'servingEnded', 2);
      await sleep(world.scheduler, 1_000);
      expect(namesOf(bare)).not.toContain('delivery');
      expect(namesOf(bare)).not.toContain('request');
      expect(bare.sessionEnd).toBeUndefined();
    }));

  test('refuses its publishes and calls, naming topic, action, the nearest grant and who revoked', () =>
    withBus(policyOf('auto', [...demo, { action: 'publish', pattern: 'other' }]), async (world) => {
      const bare = await heedless(world);
      expect(await bare.publish(1n)).toBeUndefined();
      await decide(world, 'revoke', [{ action: 'publish', pattern: 'demo.ticks' }]);
      const refusal =
        /^the bus has no publish grant for demo\.ticks; the nearest is other; demo\.\*\* is withheld: revoked by anonymous at \S+ \(demo\.ticks\)$/;
      expect(await bare.publish(2n)).toMatch(refusal);
      bare.send({ case: 'call', value: { callId: 1n, timeoutMs: 100, envelope: { meta: { topic: 'demo.ticks' } } } });
      await seen(world, bare, 'callResult');
      expect(bare.events.at(-1)?.value).toMatchObject({ detail: expect.stringMatching(refusal) });
      await decide(world, 'approve', [{ action: 'publish', pattern: 'demo.ticks' }]);
      expect(await bare.publish(3n)).toBeUndefined();
    }));

  test('holds when it registers anew beside its open session', () =>
    withBus(policyOf('auto'), async (world) => {
      const bare = await heedless(world);
      await bare.register();
      await decide(world, 'revoke', demo);
      await seen(world, bare, 'servingEnded');
      expect(namesOf(bare)).toContain('subscriptionEnded');
    }));
});

describe('a policy that changes', () => {
  test('leaves the session of an instance that no rule names any more, with nothing', () =>
    withBus(policyOf('auto'), async (world, bus) => {
      const bare = await heedless(world);
      bus.replacePolicy({ ...policyOf('auto'), rules: [] });
      await seen(world, bare, 'servingEnded');
      expect(bare.events.find((event, index) => event.case === 'grants' && index > 1)?.value).toMatchObject({
        granted: [],
        denied: [],
      });
      expect(await bare.publish(1n)).toBe(
        'the bus has no publish grant for demo.ticks; there is no publish grant at all',
      );
      await sleep(world.scheduler, 1_000);
      expect(bare.sessionEnd).toBeUndefined();
    }));

  test('from automatic to manual withholds what nobody has approved', () =>
    withBus(policyOf('auto'), async (world, bus) => {
      const one = await startContainer(world, 'one');
      bus.replacePolicy(policyOf('manual'));
      await sleep(world.scheduler, 100);
      expect(await publishText(one.plugin, 'x')).toEqual({
        outcome: 'refused',
        reason: expect.stringMatching(/demo\.\*\* is withheld: rules\[0\] needs an approval$/),
      });
      await decide(world, 'approve', demo);
      await sleep(world.scheduler, 100);
      expect(await publishText(one.plugin, 'x')).toMatchObject({ outcome: 'accepted' });
    }));

  test('that gives the same ends nothing', () =>
    withBus(policyOf('auto'), async (world, bus) => {
      const bare = await heedless(world);
      const before = bare.events.length;
      bus.replacePolicy(policyOf('auto'));
      await sleep(world.scheduler, 1_000);
      expect(bare.events.slice(before)).toEqual([]);
    }));
});

test('a decision of before a restart holds for the store that is kept', () =>
  withBus(policyOf('manual'), async (world, bus) => {
    bus.close();
    const store = world.createStore();
    const first = await world.startBus(policyOf('manual'), store);
    await decide(world, 'approve', demo);
    first.close();
    await world.startBus(policyOf('manual'), store);
    const one = await startContainer(world, 'one');
    expect(await publishText(one.plugin, 'x')).toMatchObject({ outcome: 'accepted' });
  }));

test('nobody decides on a bus whose policy names no administrators', () =>
  withBus(openPolicy, async (world) => {
    await expect(decide(world, 'approve', demo)).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      message: expect.stringContaining('principal "anonymous"'),
    });
  }));
