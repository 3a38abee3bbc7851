// `npm run bench`: compares the sidecar with what it stands beside, as ratios of figures that were taken in turns in one
// run, and prints them as a table. `--only ROW` measures the rows whose names contain the text, `--rounds N` takes more or
// fewer rounds, `--json` prints the rows for programs, and `--quick` only shows that it works.
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { serverFile } from '../cluster/tools.ts';
import { endAll } from '../sidecar/processes.ts';
import type { Benchmark, Need, Scale } from './benchmark.ts';
import { howToInstall, isH2loadInstalled } from './generator/h2load.ts';
import { type MissingRow, type Row, rowOf } from './row.ts';
import { alone } from './rows/alone.ts';
import { bundleSize } from './rows/bundle-size.ts';
import { fanOut } from './rows/fan-out.ts';
import { idleMemory, peakMemory } from './rows/memory-use.ts';
import { request } from './rows/request.ts';
import { start } from './rows/start.ts';
import { store } from './rows/store.ts';
import { storesBesidePlain } from './rows/stores-beside-plain.ts';
import { batchedPublish, delivery, streamedPublish } from './rows/streams.ts';
import { heartbeat, unaryPublish } from './rows/unary.ts';
import { renderTable } from './table.ts';

const full: Scale = { rounds: 5, roundMs: 1_000, calls: 500, plugins: 16, subscriptions: 5_000 };
const quick: Scale = { rounds: 1, roundMs: 20, calls: 20, plugins: 2, subscriptions: 64 };

const unaryRows = [unaryPublish, heartbeat, alone];
const streamRows = [streamedPublish, batchedPublish, request, delivery, store, fanOut, storesBesidePlain];
const benchmarks = [...unaryRows, ...streamRows, start, idleMemory, peakMemory, bundleSize];

const howToGet = {
  h2load: howToInstall,
  'nats-server': 'nats-server was not built. `npm run test:cluster` builds it; it needs Go.',
} as const;

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    json: { type: 'boolean' },
    only: { type: 'string', multiple: true },
    rounds: { type: 'string' },
  },
});
const chosen = benchmarks.filter(({ plans }) => plans.some(({ row }) => isWanted(row)));
const rounds = flags.rounds === undefined ? undefined : Number(flags.rounds);
if (chosen.length === 0) {
  const rows = benchmarks.flatMap(({ plans }) => plans.map(({ row }) => `  ${row}\n`));
  fail(
    `No row's name contains ${flags.only?.map((text) => `"${text}"`).join(' or ')}. The rows are:\n${rows.join('')}`,
  );
} else if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) {
  fail(`--rounds is "${flags.rounds}"; it must be a whole number from 1 on.\n`);
} else {
  await runAll({ ...(flags.quick ? quick : full), ...(rounds !== undefined && { rounds }) });
}

async function runAll(scale: Scale): Promise<void> {
  const has = { h2load: isH2loadInstalled(), 'nats-server': existsSync(serverFile) };
  const rows: (Row | MissingRow)[] = [];
  try {
    for (const benchmark of chosen) {
      process.stderr.write(`${benchmark.plans[0]?.row} …\n`);
      const { needs } = benchmark;
      const measured = needs && !has[needs] ? missing(benchmark, needs) : await measure(benchmark, scale);
      rows.push(...measured.filter(({ row }) => isWanted(row)));
    }
  } finally {
    await endAll();
  }
  process.stdout.write(flags.json ? `${JSON.stringify(rows, undefined, 2)}\n` : renderTable(rows));
  const absent = new Set(rows.flatMap((row) => ('missing' in row ? [row.missing] : [])));
  if (absent.size > 0) fail([...absent].map((need) => `${howToGet[need]}\n`).join(''));
}

function missing({ plans }: Benchmark, needs: Need): MissingRow[] {
  return plans.map((plan) => ({ ...plan, missing: needs }));
}

async function measure(benchmark: Benchmark, scale: Scale): Promise<Row[]> {
  const results = await benchmark.run(scale);
  await endAll();
  return benchmark.plans.map((plan, index) => rowOf(plan, results[index] ?? []));
}

function isWanted(row: string): boolean {
  return flags.only === undefined || flags.only.some((text) => row.includes(text));
}

function fail(text: string): void {
  process.stderr.write(text);
  process.exitCode = 1;
}
