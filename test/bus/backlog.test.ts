import { expect, test } from 'vitest';
import { createLog } from '../../src/base/log/log.ts';
import { sleep } from '../../src/base/time/scheduler.ts';
import type { Policy } from '../../src/bus/access/policy.ts';
import { serveBus } from '../../src/bus/serve-bus.ts';
import { MemoryStore } from '../../src/bus/store/in-memory/memory-store.ts';
import { busAddress, openPolicy, SimulatedWorld } from '../sidecar/simulated-world.ts';
import { BareSidecar } from './bare-sidecar.ts';

const policy: Policy = {
  ...openPolicy,
  rules: openPolicy.rules.map((rule) => ({ ...rule, quotas: { backlog_messages: 10 } })),
};

async function start(world: SimulatedWorld, instanceId: string): Promise<BareSidecar> {
  const bare = new BareSidecar(world, { instanceId, startedAtNs: 1n });
  await bare.register();
  bare.openSession();
  await bare.activate();
  return bare;
}

/** Sends a heartbeat each second, as a sidecar would. */
async function pass(world: SimulatedWorld, live: readonly BareSidecar[], seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    for (const each of live) each.send({ case: 'heartbeat', value: { sequence: BigInt(second) } });
    await sleep(world.scheduler, 1_000);
  }
}

test('a dead subscriber over its quota fills the store for nobody, and is told exactly what it missed', async () => {
  const world = new SimulatedWorld(1);
  const lines: string[] = [];
  const { scheduler } = world;
  const run = async (): Promise<void> => {
    await serveBus({
      network: world.network,
      address: busAddress,
      store: new MemoryStore({ scheduler, retention: { messages: 5, bytes: 20_000 } }),
      policy,
      scheduler,
      log: createLog({
        level: 'warn',
        format: 'text',
        write: (line) => lines.push(line),
        wallTimeNs: () => scheduler.wallTimeNs(),
      }),
    });
    const [slow, busy] = [await start(world, 'slow'), await start(world, 'busy')];
    const subscribe = (credit: number): void =>
      slow.send({
        case: 'subscribe',
        value: { subscriptionId: 1, name: 'all', pattern: 'demo.*', creditMessages: credit, creditBytes: 100_000 },
      });
    subscribe(0);
    await world.until(() => slow.events.some((event) => event.case === 'subscribed'));
    for (let sequence = 1n; sequence <= 12n; sequence += 1n) expect(await busy.publish(sequence)).toBeUndefined();
    expect(lines).toEqual([]);
    await pass(world, [slow, busy], 3);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /no longer retained for a subscription .*instance=slow name=all messages=12 .*backlog_messages=10/,
    );
    for (let sequence = 13n; sequence <= 20n; sequence += 1n) expect(await busy.publish(sequence)).toBeUndefined();
    slow.send({ case: 'credit', value: { subscriptionId: 1, messages: 100, bytes: 100_000 } });
    const delivered = () => slow.events.flatMap((event) => (event.case === 'delivery' ? [event.value] : []));
    const isLast = (id: string | undefined): boolean => id === busy.messageIdOf(20n);
    await world.until(() => isLast(delivered().at(-1)?.envelope?.meta?.messageId));
    const missed = slow.events.flatMap((event) => (event.case === 'missed' ? [Number(event.value.count)] : []));
    expect(missed).toHaveLength(1);
    expect(missed[0]).toBeGreaterThanOrEqual(7);
    expect(delivered().map(({ envelope }) => envelope?.meta?.messageId)).toEqual(
      Array.from({ length: 20 }, (_, index) => busy.messageIdOf(BigInt(index + 1))).slice(missed[0]),
    );
    expect(lines.at(-1)).toMatch(new RegExp(`missed messages .*instance=slow name=all count=${missed[0]}`));
  };
  await world.run(run());
});
