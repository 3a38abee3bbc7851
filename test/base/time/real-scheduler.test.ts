import { expect, onTestFinished, test, vi } from 'vitest';
import { realScheduler } from '../../../src/base/time/real-scheduler.ts';
import { sleep } from '../../../src/base/time/scheduler.ts';

const hourMs = 3_600_000;

test.each([
  ['as it is', 0],
  ['after it was set forward', 2 * hourMs],
  ['after it was set back', -2 * hourMs],
])("the wall clock is the machine's %s", (_when, stepMs) => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + stepMs });
  onTestFinished(() => void vi.useRealTimers());
  expect(Math.abs(Number(realScheduler.wallTimeNs() / 1_000_000n) - Date.now())).toBeLessThan(hourMs);
});

test('the monotonic clock goes on while a sleep lasts', async () => {
  const beforeMs = realScheduler.nowMs();
  await sleep(realScheduler, 5);
  expect(realScheduler.nowMs() - beforeMs).toBeGreaterThanOrEqual(4);
});

test('a cancelled timer does not fire', async () => {
  let fired = false;
  realScheduler
    .setTimer(1, () => {
      fired = true;
    })
    .cancel();
  await sleep(realScheduler, 10);
  expect(fired).toBe(false);
});

test.each([2 ** 31, 2 ** 40, Number.POSITIVE_INFINITY])('a timer of %d ms does not fire at once', async (delayMs) => {
  let fired = false;
  const timer = realScheduler.setTimer(delayMs, () => {
    fired = true;
  });
  await sleep(realScheduler, 10);
  timer.cancel();
  expect(fired).toBe(false);
});
