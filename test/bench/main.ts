// `npm run bench`: compares the sidecar with what it stands beside, as ratios of figures that were taken in turns in one
// run, and prints them as a table. `--quick` only shows that it works; `--json` prints the rows for programs.
import { parseArgs } from 'node:util';
import { endAll } from '../sidecar/processes.ts';
import { addedLatency } from './added-latency.ts';
import { type Row, rowOf, type Scale } from './benchmark.ts';
import { bundleSize } from './bundle-size.ts';
import { deliveryRate } from './delivery-rate.ts';
import { fanOut } from './fan-out.ts';
import { memoryUse } from './memory-use.ts';
import { publishRate } from './publish-rate.ts';
import { renderTable } from './table.ts';
import { timeToReady } from './time-to-ready.ts';

const full: Scale = { pairs: 5, messages: 4_000, calls: 500 };
const quick: Scale = { pairs: 1, messages: 200, calls: 20 };

const { values: flags } = parseArgs({ options: { quick: { type: 'boolean' }, json: { type: 'boolean' } } });
const benchmarks = [timeToReady, publishRate, addedLatency, deliveryRate, fanOut, memoryUse, bundleSize];
const rows: Row[] = [];
try {
  for (const benchmark of benchmarks) {
    process.stderr.write(`${benchmark.name} …\n`);
    const comparisons = await benchmark.run(flags.quick ? quick : full);
    rows.push(...comparisons.map((comparison) => rowOf(benchmark.name, comparison)));
    await endAll();
  }
} finally {
  await endAll();
}
process.stdout.write(flags.json ? `${JSON.stringify(rows, undefined, 2)}\n` : renderTable(rows));
