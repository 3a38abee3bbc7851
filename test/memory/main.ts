// `npm run bench:memory -- 96 128`: puts a sidecar under each load in a control group of each of these sizes, and prints what
// became of it and the most memory of its own that it had. It needs the right to make control groups.
import { setTimeout as sleep } from 'node:timers/promises';
import { sampleSum, scrape } from '../sidecar/metrics/exposition.ts';
import { endAll, type RunningProgram, startBus, startSidecar } from '../sidecar/processes.ts';
import { type GroupedSidecar, startGroupedSidecar } from './grouped-sidecar.ts';
import { benchmarkLoad, connect, publishLarge, saveStates, subscribeWithoutReading } from './loads.ts';

type Load = (sidecar: GroupedSidecar, bus: RunningProgram) => Promise<unknown>;

const loads: Readonly<Record<string, Load>> = {
  benchmark: ({ address }) => benchmarkLoad(address, 8_000),
  'large, 8 at a time': async ({ address }) => publishLarge(await connect(address), 300, 8),
  'large, 64 at a time': async ({ address }) => publishLarge(await connect(address), 300, 64),
  'states, 32 at a time': async ({ address }) => saveStates(await connect(address), 100, 32),
  '512 unread subscriptions': async ({ address }, bus) => {
    await connect(address);
    subscribeWithoutReading(address, 512);
    await sleep(1_500);
    const writer = await startSidecar(bus.address, { INSTANCE_ID: 'oms-writer' });
    await publishLarge(await connect(writer.address), 6, 2);
    await sleep(3_000);
  },
  'bus away': async ({ address }, bus) => {
    const plugin = await connect(address);
    bus.program.signal('SIGKILL');
    await bus.program.exited;
    await Promise.race([publishLarge(plugin, 200, 32), sleep(5_000)]);
  },
};
/** A process that has room for its heap and none for its code gets nowhere, and is not killed. */
const stuckMs = 30_000;

async function outcomeOf(limitMb: number, load: Load): Promise<string> {
  const bus = await startBus();
  const sidecar = await startGroupedSidecar(bus.address, { limitMb });
  const ended = await Promise.race([
    load(sidecar, bus).then(
      () => 'carried',
      () => 'failed',
    ),
    sidecar.program.exited.then(() => 'killed'),
    sleep(stuckMs, 'stuck', { ref: false }),
  ]);
  const metrics = ended === 'carried' ? await scrape(sidecar.healthUrl).catch(() => undefined) : undefined;
  const shed = metrics && (sampleSum(metrics, 'meridian_sidecar_sheds_total') ?? 0);
  const killed = sidecar.group.kills > 0 ? 'killed' : ended;
  const peakMiB = Math.round(sidecar.ownPeakBytes() / 2 ** 20);
  await sidecar.end();
  await endAll();
  return `${shed ? `shed ${shed}` : killed}, ${peakMiB} MiB`;
}

const sizes = process.argv.slice(2).map(Number);
process.stdout.write(
  `| load | ${sizes.map((size) => `${size} MB`).join(' | ')} |\n|---|${sizes.map(() => '---|').join('')}\n`,
);
try {
  for (const [name, load] of Object.entries(loads)) {
    const row: string[] = [];
    for (const size of sizes) row.push(await outcomeOf(size, load).catch(() => 'does not start'));
    process.stdout.write(`| ${name} | ${row.join(' | ')} |\n`);
  }
} finally {
  await endAll();
}
process.exit();
