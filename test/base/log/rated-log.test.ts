import { expect, test } from 'vitest';
import { createLog, type Log } from '../../../src/base/log/log.ts';
import { ratedLog } from '../../../src/base/log/rated-log.ts';
import { sleep } from '../../../src/base/time/scheduler.ts';
import { VirtualScheduler } from '../../../src/simulation/virtual-scheduler.ts';

function collecting(scheduler: VirtualScheduler): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const log = createLog({ level: 'info', format: 'text', write, wallTimeNs: () => scheduler.wallTimeNs() });
  return { log, lines };
}

test('of one kind and peer it writes so many lines in a minute, and then how many were left out', async () => {
  const scheduler = new VirtualScheduler(1);
  const { log, lines } = collecting(scheduler);
  const rated = ratedLog(log, { scheduler, lines: 2 });
  await scheduler.run(
    (async () => {
      for (let port = 1; port <= 1_236; port += 1) rated.warn('refused a client', { address: `10.0.0.1:${port}` });
      rated.warn('refused a client', { address: '10.0.0.2:1' });
      rated.info('registered', { instance: 'oms-1' });
      await sleep(scheduler, 61_000);
      rated.warn('refused a client', { address: '10.0.0.1:9' });
      await sleep(scheduler, 61_000);
    })(),
  );
  expect(lines).toEqual([
    'WARN  refused a client address=10.0.0.1:1',
    'WARN  refused a client address=10.0.0.1:2',
    'WARN  refused a client address=10.0.0.2:1',
    'INFO  registered instance=oms-1',
    'WARN  refused a client … and 1,234 more in the last minute peer=10.0.0.1',
    'WARN  refused a client address=10.0.0.1:9',
  ]);
});

test('peers that make up names cost a bounded number of lines', async () => {
  const scheduler = new VirtualScheduler(1);
  const { log, lines } = collecting(scheduler);
  const rated = ratedLog(log, { scheduler, lines: 1 });
  await scheduler.run(
    (async () => {
      for (let index = 0; index < 50_000; index += 1) rated.info('registered', { instance: `made-up-${index}` });
      await sleep(scheduler, 61_000);
    })(),
  );
  expect(lines.length).toBeLessThan(1_100);
  expect(lines.at(-1)).toMatch(/registered … and [\d,]+ more in the last minute peer=others/);
});
