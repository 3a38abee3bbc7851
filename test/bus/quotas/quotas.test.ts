import { describe, expect, test } from 'vitest';
import { sleep } from '../../../src/base/time/scheduler.ts';
import type { Policy } from '../../../src/bus/access/policy.ts';
import { defaultQuotas, joinQuotas, type Quotas } from '../../../src/bus/quotas/quotas.ts';
import { CallOutcome, EndReason } from '../../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { publishText, startContainer } from '../../sidecar/simulated-container.ts';
import { openPolicy, SimulatedWorld } from '../../sidecar/simulated-world.ts';
import { BareSidecar } from '../bare-sidecar.ts';

function limited(quotas: Partial<Quotas>, ...others: readonly Partial<Quotas>[]): Policy {
  const rules = [quotas, ...others].flatMap((each) => openPolicy.rules.map((rule) => ({ ...rule, quotas: each })));
  return { ...openPolicy, rules };
}

async function withQuotas(
  policy: Policy,
  story: (world: SimulatedWorld, start: (id: string) => Promise<BareSidecar>) => Promise<void>,
): Promise<void> {
  const world = new SimulatedWorld(1);
  const start = async (instanceId: string): Promise<BareSidecar> => {
    const bare = new BareSidecar(world, { instanceId, startedAtNs: 1n });
    await bare.register();
    bare.openSession();
    await bare.activate();
    return bare;
  };
  const run = async (): Promise<void> => {
    await world.startBus(policy);
    await story(world, start);
  };
  await world.run(run());
}

async function publishMany(
  bare: BareSidecar,
  sequences: readonly bigint[],
  bytes = 0,
): Promise<(string | undefined)[]> {
  return Promise.all(sequences.map((sequence) => bare.publish(sequence, 'demo.ticks', new Uint8Array(bytes))));
}

const upTo = (count: number, from = 1): bigint[] => Array.from({ length: count }, (_, index) => BigInt(from + index));

describe('an instance over its quota of publishes in a second', () => {
  test('is refused with the quota, the limit and the value, and may publish again as time passes', () =>
    withQuotas(limited({ publishes_per_second: 5 }), async (world, start) => {
      const one = await start('one');
      const refusals = await publishMany(one, upTo(12));
      expect(refusals.slice(0, 10)).toEqual(Array.from({ length: 10 }));
      for (const refusal of refusals.slice(10)) {
        expect(refusal).toMatch(/^over the quota publishes_per_second: 11 at once, .* 5 a second and 10 at once/);
      }
      await sleep(world.scheduler, 1_000);
      const later = await publishMany(one, upTo(8, 13));
      expect(later.filter((refusal) => refusal === undefined).length).toBeGreaterThanOrEqual(5);
      expect(later.at(-1)).toContain('over the quota');
    }));

  test('takes nothing from another, whose quota is its own', () =>
    withQuotas(limited({ publishes_per_second: 5 }), async (_world, start) => {
      const [one, two] = [await start('one'), await start('two')];
      await publishMany(one, upTo(50));
      expect(await publishMany(two, upTo(10))).toEqual(Array.from({ length: 10 }));
    }));

  test('is not counted again for what it repeats on a new session, and gains nothing by that', () =>
    withQuotas(limited({ publishes_per_second: 5 }), async (_world, start) => {
      const one = await start('one');
      await publishMany(one, upTo(10));
      await one.register();
      one.openSession();
      one.events.length = 0;
      expect(await publishMany(one, upTo(10))).toEqual(Array.from({ length: 10 }));
      expect(await one.publish(11n)).toContain('over the quota publishes_per_second');
    }));

  test('gains nothing by a sequence far ahead either, after which all others would be repeats', () =>
    withQuotas(limited({ publishes_per_second: 5 }), async (_world, start) => {
      const one = await start('one');
      expect(await one.publish(2n ** 60n)).toBeUndefined();
      const refusals = await publishMany(one, upTo(12));
      expect(refusals.filter((refusal) => refusal?.includes('over the quota'))).toHaveLength(3);
    }));

  test('tells the plugin that it was refused, and why', async () => {
    const world = new SimulatedWorld(1);
    const run = async (): Promise<void> => {
      await world.startBus(limited({ publishes_per_second: 1 }));
      const { plugin } = await startContainer(world, 'one');
      const outcomes = await Promise.all(['1', '2', '3'].map((text) => publishText(plugin, text)));
      expect(outcomes.map(({ outcome }) => outcome).toSorted()).toEqual(['accepted', 'accepted', 'refused']);
      expect(outcomes.find(({ outcome }) => outcome === 'refused')).toMatchObject({
        reason: expect.stringContaining('over the quota publishes_per_second'),
      });
    };
    await world.run(run());
  });
});

test('an instance over its quota of bytes in a second is refused with the quota, the limit and the value', () =>
  withQuotas(limited({ bytes_per_second: 1_000 }), async (_world, start) => {
    const one = await start('one');
    expect(await publishMany(one, upTo(2), 900)).toEqual([undefined, undefined]);
    expect(await one.publish(3n, 'demo.ticks', new Uint8Array(900))).toMatch(
      /^over the quota bytes_per_second: 2\d{3} at once, .* 1000 a second and 2000 at once/,
    );
  }));

test('the bytes of a message are those of all its fields', () =>
  withQuotas(limited({ bytes_per_second: 1_000 }), async (world, start) => {
    const one = await start('one');
    const meta = { topic: 'demo.ticks', dedupKey: 'k'.repeat(900), correlationId: 'c'.repeat(900) };
    for (const sequence of [1n, 2n]) {
      const envelope = { meta: { ...meta, dedupKey: `${sequence}${meta.dedupKey}` } };
      one.send({ case: 'publish', value: { sequence, settledBelow: sequence, envelope } });
    }
    const results = () => one.events.flatMap((event) => (event.case === 'publishResult' ? [event.value] : []));
    await world.until(() => results().length === 2);
    expect(results()).toMatchObject([
      { accepted: true },
      { refusalReason: expect.stringMatching(/^over the quota bytes_per_second: 3\d{3} at once/) },
    ]);
  }));

test('a publish that the sidecar has settled is refused when it comes again, as it would be stored twice and counted once', () =>
  withQuotas(limited({ publishes_per_second: 100 }), async (world, start) => {
    const one = await start('one');
    const publish = (sequence: bigint, settledBelow: bigint): void =>
      one.send({ case: 'publish', value: { sequence, settledBelow, envelope: { meta: { topic: 'demo.ticks' } } } });
    publish(1n, 1n);
    publish(2n, 1n);
    publish(3n, 3n);
    publish(2n, 3n);
    publish(1n, 0n);
    publish(3n, 3n);
    // It may not settle what it sends in the same breath either.
    publish(4n, 9n);
    const results = () => one.events.flatMap((event) => (event.case === 'publishResult' ? [event.value] : []));
    await world.until(() => results().length === 7);
    const again = (sequence: number, below: number) => ({
      accepted: false,
      refusalReason: `publish ${sequence} was sent after the sidecar had settled all below ${below}`,
    });
    expect(results()).toMatchObject([
      { sequence: 1n, accepted: true, duplicate: false },
      { sequence: 2n, accepted: true, duplicate: false },
      { sequence: 3n, accepted: true, duplicate: false },
      again(2, 3),
      again(1, 3),
      // The same outcome again: it is stored once.
      { sequence: 3n, accepted: true, duplicate: false },
      again(4, 9),
    ]);
  }));

test('a call over the quota of calls in flight is refused, until one of them has ended', () =>
  withQuotas(limited({ calls_in_flight: 2 }), async (world, start) => {
    const one = await start('one');
    one.send({ case: 'serve', value: { serverId: 1, pattern: 'demo.*' } });
    await world.until(() => one.events.some((event) => event.case === 'serving'));
    const call = (callId: bigint): void =>
      one.send({ case: 'call', value: { callId, timeoutMs: 1_000, envelope: { meta: { topic: 'demo.ask' } } } });
    for (const callId of [1n, 2n, 3n]) call(callId);
    const results = () => one.events.flatMap((event) => (event.case === 'callResult' ? [event.value] : []));
    await world.until(() => results().length === 3);
    expect(results()[0]).toMatchObject({
      callId: 3n,
      outcome: CallOutcome.REFUSED,
      detail: 'over the quota calls_in_flight: there are 2 already, and the limit is 2',
    });
    call(4n);
    await world.until(() => results().length === 4);
    expect(results()[3]).toMatchObject({ callId: 4n, outcome: CallOutcome.TIMEOUT });
  }));

test.each([
  ['subscriptions', 'subscriptionEnded'],
  ['servers', 'servingEnded'],
] as const)('one more of its %s than its quota ends with the reason LIMIT', (name, ended) =>
  withQuotas(limited({ [name]: 2 }), async (world, start) => {
    const one = await start('one');
    for (const id of [1, 2, 3]) {
      if (name === 'servers') one.send({ case: 'serve', value: { serverId: id, pattern: 'demo.*' } });
      else one.send({ case: 'subscribe', value: { subscriptionId: id, name: `s${id}`, pattern: 'demo.*' } });
    }
    const endings = () => one.events.filter((event) => event.case === ended);
    await world.until(() => endings().length > 0);
    await sleep(world.scheduler, 1_000);
    expect(endings().map(({ value }) => value)).toMatchObject([
      { reason: EndReason.LIMIT, detail: `over the quota ${name}: there are 2 already, and the limit is 2` },
    ]);
  }),
);

test('of several rules that fit, the largest quota that one of them names holds; none names it: the default', () => {
  const joined = joinQuotas([{ servers: 3, subscriptions: 500 }, {}, { servers: 5, subscriptions: 2 }]);
  expect(joined).toEqual({ ...defaultQuotas, servers: 5, subscriptions: 500 });
  expect(joinQuotas([{ servers: 1 }]).servers).toBe(1);
});
