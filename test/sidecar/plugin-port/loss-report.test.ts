import { expect, test } from 'vitest';
import { createLog } from '../../../src/base/log/log.ts';
import { LossReport } from '../../../src/sidecar/plugin-port/loss-report.ts';
import { VirtualScheduler } from '../../../src/simulation/virtual-scheduler.ts';

function reporting() {
  const scheduler = new VirtualScheduler(1);
  const lines: string[] = [];
  const told: number[] = [];
  const log = createLog({ level: 'info', format: 'text', write: (line) => lines.push(line), wallTimeNs: () => 0n });
  const report = new LossReport({ scheduler, log, pattern: 'demo.*', tell: (count) => told.push(count) });
  const lose = (count: number): void => {
    for (let index = 0; index < count; index += 1) report.add();
  };
  return { scheduler, lines, told, report, lose };
}

const begins = 'WARN  a v1 stream is read too slowly; messages that do not fit into its buffer are lost pattern=demo.*';
const ends = (messages: number): string => `WARN  a v1 stream has lost messages pattern=demo.* messages=${messages}`;

test('the first loss is told at once, what follows once a second, and the log has one line for each end', async () => {
  const { scheduler, lines, told, lose } = reporting();
  lose(1);
  expect(told).toEqual([1]);
  lose(20);
  await scheduler.advance(1_000);
  expect(told).toEqual([1, 20]);
  lose(5);
  await scheduler.advance(1_000);
  expect(lines).toEqual([begins]);
  await scheduler.advance(1_000);
  expect(told).toEqual([1, 20, 5]);
  expect(lines).toEqual([begins, ends(26)]);
});

test('what is lost a second after the last is told anew', async () => {
  const { scheduler, lines, told, lose } = reporting();
  lose(2);
  await scheduler.advance(5_000);
  lose(1);
  await scheduler.advance(5_000);
  expect(told).toEqual([1, 1, 1]);
  expect(lines).toEqual([begins, ends(2), begins, ends(1)]);
});

test('a stream that ends has told everything', () => {
  const { lines, told, report, lose } = reporting();
  lose(3);
  report.close();
  expect(told).toEqual([1, 2]);
  expect(lines).toEqual([begins, ends(3)]);
});
