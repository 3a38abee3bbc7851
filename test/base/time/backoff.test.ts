import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Backoff } from '../../../src/base/time/backoff.ts';
import { VirtualScheduler } from '../../../src/simulation/virtual-scheduler.ts';

/** Chance at its upper end, so that each delay is its bound. */
const unlucky = { next: () => 1 - Number.EPSILON };

test('every delay is from zero up to a bound that doubles and never exceeds the maximum', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 1, max: 100_000 }),
      fc.integer({ min: 1, max: 2_000 }),
      (seed, firstDelayMs, maxDelayMs, attempts) => {
        const backoff = new Backoff(new VirtualScheduler(seed), { firstDelayMs, maxDelayMs });
        for (let attempt = 0; attempt < attempts; attempt += 1) {
          const delayMs = backoff.nextDelayMs();
          expect(delayMs).toBeGreaterThanOrEqual(0);
          expect(delayMs).toBeLessThanOrEqual(Math.min(maxDelayMs, firstDelayMs * 2 ** attempt));
        }
      },
    ),
    { numRuns: 30 },
  );
});

test('the bound doubles, and starts again after a reset', () => {
  const scheduler = Object.assign(new VirtualScheduler(1), { random: unlucky });
  const backoff = new Backoff(scheduler, { firstDelayMs: 100, maxDelayMs: 500 });
  const delays = () => Array.from({ length: 4 }, () => Math.round(backoff.nextDelayMs()));
  expect(delays()).toEqual([100, 200, 400, 500]);
  backoff.reset();
  expect(delays()).toEqual([100, 200, 400, 500]);
});

test('delays are spread evenly', () => {
  const backoff = new Backoff(new VirtualScheduler(7), { firstDelayMs: 1_000, maxDelayMs: 1_000 });
  const delays = Array.from({ length: 1_000 }, () => backoff.nextDelayMs());
  const belowHalf = delays.filter((delayMs) => delayMs < 500).length;
  expect(belowHalf).toBeGreaterThan(400);
  expect(belowHalf).toBeLessThan(600);
});
