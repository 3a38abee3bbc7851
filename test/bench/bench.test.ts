import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { endAll, Program } from '../sidecar/processes.ts';
import { rowOf } from './benchmark.ts';
import { renderTable } from './table.ts';

afterEach(endAll);

test('`npm run bench -- --quick --json` measures everything once, and prints nothing else to stdout', async () => {
  const bench = new Program([path.join(import.meta.dirname, 'main.ts'), '--quick', '--json']);
  expect(await bench.exited, bench.stderr).toBe(0);
  const rows = JSON.parse(bench.stdout) as ReturnType<typeof rowOf>[];
  const benchmarks = ['start', 'publish', 'latency', 'delivery', 'fan-out', 'memory', 'size'];
  expect([...new Set(rows.map(({ benchmark }) => benchmark))]).toEqual(benchmarks);
  for (const { ratio, lowest, highest } of rows) {
    expect(ratio).toBeGreaterThan(0);
    expect(lowest).toBeLessThanOrEqual(ratio);
    expect(highest).toBeGreaterThanOrEqual(ratio);
  }
});

test('a row has the median of the ratios, not the ratio of the medians, and their spread', () => {
  const pairs = [
    { measured: 20, baseline: 10 },
    { measured: 300, baseline: 100 },
    { measured: 8, baseline: 1 },
  ];
  const row = rowOf('rate', { what: 'fast, to slow', unit: 'ms', pairs });
  expect(row).toMatchObject({ ratio: 3, lowest: 2, highest: 8, measured: 20, baseline: 10 });
  expect(renderTable([row])).toBe(
    [
      '| benchmark | what          | ratio | lowest – highest | measured | baseline | unit |',
      '| --------- | ------------- | ----- | ---------------- | -------- | -------- | ---- |',
      '| rate      | fast, to slow | 3.00  | 2.00 – 8.00      | 20.0     | 10.0     | ms   |',
      '',
    ].join('\n'),
  );
});
