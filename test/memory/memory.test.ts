import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { sampleSum, scrape } from '../sidecar/metrics/exposition.ts';
import { endAll, startBus, startSidecar, writeTemporary } from '../sidecar/processes.ts';
import { type GroupedSidecar, startGroupedSidecar } from './grouped-sidecar.ts';
import { benchmarkLoad, connect, publishLarge, subscribeWithoutReading } from './loads.ts';

const sidecars: GroupedSidecar[] = [];
afterEach(async () => {
  await Promise.all(sidecars.splice(0).map((sidecar) => sidecar.end()));
  await endAll();
});

async function start(
  bus: string,
  limitMb: number,
  environment: Readonly<Record<string, string>> = {},
): Promise<GroupedSidecar> {
  const sidecar = await startGroupedSidecar(bus, { limitMb, ...environment });
  sidecars.push(sidecar);
  return sidecar;
}

const metric = async ({ healthUrl }: GroupedSidecar, name: string): Promise<number> =>
  sampleSum(await scrape(healthUrl), `meridian_sidecar_${name}`) ?? Number.NaN;

/** Alive, never short of memory of its own, and doing its work. */
async function expectWell(sidecar: GroupedSidecar): Promise<void> {
  expect(sidecar.group.kills).toBe(0);
  expect(sidecar.ownPeakBytes()).toBeLessThan(sidecar.group.limitBytes);
  await benchmarkLoad(sidecar.address, 200);
}

/** So that the load of a test gets there on any machine. */
const shedsEarly = 'memory: {shed_at: 65%, resume_at: 40%}\n';

describe('in a control group of 128 MB a sidecar', () => {
  test('carries the load of the benchmarks without shedding', async () => {
    const bus = await startBus();
    const sidecar = await start(bus.address, 128);
    await benchmarkLoad(sidecar.address, 8_000);
    expect(await metric(sidecar, 'sheds_total')).toBe(0);
    await expectWell(sidecar);
  });

  test('carries publishes of nearly the largest size, eight at a time', async () => {
    const bus = await startBus();
    const sidecar = await start(bus.address, 128);
    const plugin = await connect(sidecar.address);
    expect(await publishLarge(plugin, 200, 8)).toEqual({ accepted: 200 });
    plugin.close();
    await expectWell(sidecar);
  });

  test('survives 512 subscriptions that all get large messages and are not read', async () => {
    const bus = await startBus();
    const sidecar = await start(bus.address, 128);
    const plugin = await connect(sidecar.address);
    const unread = subscribeWithoutReading(sidecar.address, 512);
    while ((await metric(sidecar, 'subscriptions')) < 512) await sleep(100);
    const writer = await connect((await startSidecar(bus.address, { INSTANCE_ID: 'oms-writer' })).address);
    expect(await publishLarge(writer, 6, 2)).toEqual({ accepted: 6 });
    // Nobody reads, so there is nothing to await but the time in which it would have died.
    await sleep(3_000);
    expect(sidecar.group.kills).toBe(0);
    unread.close();
    plugin.close();
    writer.close();
    while ((await metric(sidecar, 'subscriptions')) + (await metric(sidecar, 'shedding')) > 0) await sleep(100);
    await expectWell(sidecar);
  });

  test('survives a full outbox while the bus is away, and publishes it when the bus is back', async () => {
    const store = 'memory';
    const first = await startBus(undefined, store);
    const sidecar = await start(first.address, 128);
    const plugin = await connect(sidecar.address);
    first.program.signal('SIGKILL');
    await first.program.exited;
    while ((await metric(sidecar, 'bus_up')) === 1) await sleep(100);
    const published = publishLarge(plugin, 200, 32);
    while (!((await metric(sidecar, 'publishes_total')) >= 100)) await sleep(100);
    await startBus(first.address, store);
    const { accepted = 0, RESOURCE_EXHAUSTED: refused = 0, ...rest } = await published;
    expect(accepted).toBeGreaterThan(0);
    expect(refused).toBeGreaterThanOrEqual(100);
    expect(rest).toEqual({});
    plugin.close();
    await expectWell(sidecar);
  });

  test('sheds what comes beyond its threshold, counts that, and serves afterwards', async () => {
    const bus = await startBus();
    const sidecar = await start(bus.address, 128, { SIDECAR_CONFIG: writeTemporary('sidecar.yml', shedsEarly) });
    const plugin = await connect(sidecar.address);
    // What is published waits in the sidecar while the bus does not answer.
    bus.program.signal('SIGSTOP');
    const published = publishLarge(plugin, 300, 96);
    while (!((await metric(sidecar, 'sheds_total')) > 0)) await sleep(100);
    // All of those may be in by then, so one more comes at a time until one is refused.
    const late: Promise<void>[] = [];
    let refused = 0;
    while (refused === 0) {
      const outcomes = publishLarge(plugin, 1, 1);
      late.push(
        outcomes.then(({ RESOURCE_EXHAUSTED: one = 0 }) => {
          refused += one;
        }),
      );
      await sleep(100);
    }
    bus.program.signal('SIGCONT');
    const { accepted = 0 } = await published;
    expect(accepted).toBeGreaterThan(0);
    await Promise.all(late);
    await sidecar.program.seen(/short of memory: \d+ MiB of 128 MiB; new publishes and calls are refused/);
    expect(sidecar.group.kills).toBe(0);
    plugin.close();
    while ((await metric(sidecar, 'shedding')) === 1) await sleep(100);
    await expectWell(sidecar);
  });
});
