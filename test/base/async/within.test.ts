import { expect, test } from 'vitest';
import { within } from '../../../src/base/async/within.ts';
import { sleep } from '../../../src/base/time/scheduler.ts';
import { VirtualScheduler } from '../../../src/simulation/virtual-scheduler.ts';

const never = new Promise<never>(() => {});

test.each<[what: string, work: (scheduler: VirtualScheduler) => Promise<unknown>, isDone: boolean, atMs: number]>([
  ['is done before the time is over', (scheduler) => sleep(scheduler, 40), true, 40],
  ['was done before', () => Promise.resolve(), true, 0],
  ['takes longer', (scheduler) => sleep(scheduler, 500), false, 100],
  ['never ends', () => never, false, 100],
  ['fails', (scheduler) => sleep(scheduler, 40).then(() => Promise.reject(new Error('no'))), false, 40],
])('work that %s', async (_what, work, isDone, atMs) => {
  const scheduler = new VirtualScheduler(1);
  expect(await scheduler.run(within(scheduler, 100, work(scheduler)))).toBe(isDone);
  expect(scheduler.nowMs()).toBe(atMs);
});

test('work is not waited for once the signal aborts', async () => {
  const scheduler = new VirtualScheduler(1);
  const aborting = new AbortController();
  scheduler.setTimer(30, () => aborting.abort());
  expect(await scheduler.run(within(scheduler, 100, never, aborting.signal))).toBe(false);
  expect(scheduler.nowMs()).toBe(30);
});

test('work without a limit is waited for until it ends', async () => {
  const scheduler = new VirtualScheduler(1);
  expect(await scheduler.run(within(scheduler, Number.POSITIVE_INFINITY, sleep(scheduler, 9_999)))).toBe(true);
});

test('no timer is left behind', async () => {
  const scheduler = new VirtualScheduler(1);
  await scheduler.run(within(scheduler, 100, Promise.resolve()));
  await expect(scheduler.run(never)).rejects.toThrow('stuck');
});
