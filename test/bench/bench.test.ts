import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { serverFile } from '../cluster/tools.ts';
import { endAll, Program } from '../sidecar/processes.ts';
import type { RowPlan } from './benchmark.ts';
import { isH2loadInstalled, readAnswers, readTimes } from './generator/h2load.ts';
import { type MissingRow, type Row, rowOf } from './row.ts';
import { renderTable } from './table.ts';

afterEach(endAll);

const main = path.join(import.meta.dirname, 'main.ts');

describe('`npm run bench`', () => {
  test('measures every row once with --quick, but names h2load and fails where that is not installed', async () => {
    const bench = new Program([main, '--quick', '--json']);
    const hasAll = isH2loadInstalled() && existsSync(serverFile);
    expect(await bench.exited, bench.stderr).toBe(hasAll ? 0 : 1);
    const rows = JSON.parse(bench.stdout) as (Row | MissingRow)[];
    const names = rows.map(({ row }) => row);
    for (const row of ['publish', 'publish, sidecar CPU', 'publish, bus CPU', 'heartbeat', 'publish alone, p50']) {
      expect(names).toContain(row);
    }
    for (const row of ['start until healthy', 'idle sidecar', 'loaded sidecar, peak', 'sidecar.mjs compressed']) {
      expect(names).toContain(row);
    }
    const missing = rows.filter((row) => 'missing' in row);
    const measured = rows.filter((row) => 'ratio' in row);
    expect(missing.length > 0).toBe(!hasAll);
    for (const { ratio, lowest, highest } of measured) {
      expect(ratio).toBeGreaterThan(0);
      expect(lowest).toBeLessThanOrEqual(ratio);
      expect(highest).toBeGreaterThanOrEqual(ratio);
    }
  });

  test('without h2load measures the other rows, says in the table which need it, and fails with what to install', async () => {
    const flags = ['--quick', '--only', 'heartbeat', '--only', 'compressed'];
    const bench = new Program([main, ...flags], { PATH: '/proc/nothing' });
    expect(await bench.exited).toBe(1);
    expect(bench.stdout).toMatch(/^\| heartbeat +\| needs h2load/m);
    expect(bench.stdout).toMatch(/^\| sidecar\.mjs compressed +\| \d+ kB/m);
    expect(bench.stderr).toContain('apt-get install nghttp2-client');
  });

  test.each([
    [['--only', 'no such row'], /contains "no such row".*\n {2}publish\n/],
    [['--rounds', '0'], /--rounds is "0"/],
    [['--rounds', 'many'], /--rounds is "many"/],
  ])('refuses %j', async (flags, reason) => {
    const bench = new Program([main, ...flags]);
    expect(await bench.exited).toBe(1);
    expect(bench.stderr).toMatch(reason);
    expect(bench.stdout).toBe('');
  });
});

describe('a row', () => {
  const plan: RowPlan = { row: 'fast', unit: 'ms', beside: 'slow' };
  const rounds = [
    { measured: 20, baseline: 10 },
    { measured: 300, baseline: 100 },
    { measured: 8, baseline: 1 },
  ];

  test('has the median of the ratios, not the ratio of the medians, and their spread', () => {
    const row = rowOf(plan, rounds);
    expect(row).toMatchObject({ ratio: 3, lowest: 2, highest: 8, measured: 20, baseline: 10 });
    expect(renderTable([row])).toBe(
      [
        '| row  | measured | beside    | ratio | low–high  | ÷ http2 | aim | met |',
        '| ---- | -------- | --------- | ----- | --------- | ------- | --- | --- |',
        '| fast | 20.0 ms  | slow 10.0 | 3.00  | 2.00–8.00 |         |     |     |',
        '',
      ].join('\n'),
    );
  });

  test.each([
    [{ of: 'ratio', atLeast: 3 }, '≥ 3 ×', true],
    [{ of: 'ratio', atLeast: 3.2 }, '≥ 3.2 ×', false],
    [{ of: 'ratio', atMost: 2.9 }, '≤ 2.9 ×', false],
    [{ of: 'difference', atMost: 10 }, '≤ + 10', true],
    [{ of: 'difference', atMost: 9 }, '≤ + 9', false],
    [{ of: 'figure', atMost: 20 }, '≤ 20', true],
    [{ of: 'figure', atMost: 19 }, '≤ 19', false],
  ] as const)('that aims at %j says `%s`, and whether it was met', (aim, text, met) => {
    const row = rowOf({ ...plan, aim }, rounds);
    expect(row.met).toBe(met);
    expect(renderTable([row])).toContain(`| ${text} | ${met ? 'yes' : 'NO '} |`);
  });
});

describe('what h2load prints', () => {
  const printed = (lines: Readonly<Record<string, string>> = {}): string =>
    Object.values({
      finished: 'finished in 22.72ms, 8803.59 req/s, 2.48MB/s',
      requests: 'requests: 200 total, 200 started, 200 done, 200 succeeded, 0 failed, 0 errored, 0 timeout',
      codes: 'status codes: 200 2xx, 0 3xx, 0 4xx, 0 5xx',
      traffic: 'traffic: 57.78KB (59168) total, 1.09KB (1113) headers (space savings 96.00%), 50.98KB (52200) data',
      ...lines,
    }).join('\n');

  test('is how long all requests took and how many bytes came back', () => {
    expect(readAnswers(printed(), 200)).toEqual({ tookMs: 22.72, dataBytes: 52_200 });
    expect(readAnswers(printed({ finished: 'finished in 1.02s, 1 req/s, 1B/s' }), 200).tookMs).toBe(1_020);
    expect(readAnswers(printed({ finished: 'finished in 812us, 1 req/s, 1B/s' }), 200).tookMs).toBeCloseTo(0.812);
  });

  test.each([
    [
      'an error',
      { requests: 'requests: 200 total, 200 started, 200 done, 199 succeeded, 0 failed, 1 errored, 0 timeout' },
    ],
    ['another status', { codes: 'status codes: 199 2xx, 0 3xx, 0 4xx, 1 5xx' }],
    ['no traffic', { traffic: '' }],
    ['no time', { finished: '' }],
  ])('with %s is no measurement', (_what, lines) => {
    expect(() => readAnswers(printed(lines), 200)).toThrow('not all 200 requests were answered');
  });

  test('for fewer requests than were asked for is no measurement', () => {
    expect(() => readAnswers(printed(), 201)).toThrow('not all 201 requests were answered');
  });

  test('into its log is the time of each request', () => {
    expect(readTimes('1795666901029566\t200\t8352\n1795666901037973\t200\t243\n')).toEqual([8.352, 0.243]);
  });
});
