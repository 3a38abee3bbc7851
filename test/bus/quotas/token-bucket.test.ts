import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TokenBucket } from '../../../src/bus/quotas/token-bucket.ts';

const tries = fc.array(fc.record({ afterMs: fc.nat(3_000), cost: fc.integer({ min: 1, max: 40 }) }), {
  maxLength: 200,
});

test('lets no more through in any stretch of time than the burst and what the rate gives in it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 20, max: 50 }), tries, (perSecond, all) => {
      const bucket = new TokenBucket(perSecond, 0);
      const passed: { ms: number; cost: number }[] = [];
      let ms = 0;
      for (const { afterMs, cost } of all) {
        ms += afterMs;
        if (bucket.waitMs(cost, ms) > 0) continue;
        bucket.take(cost, ms);
        passed.push({ ms, cost });
      }
      for (const [from, start] of passed.entries()) {
        let sum = 0;
        for (const { ms: atMs, cost } of passed.slice(from)) {
          sum += cost;
          expect(sum).toBeLessThanOrEqual(bucket.capacity + (perSecond * (atMs - start.ms)) / 1_000 + 1e-6);
        }
      }
    }),
  );
});

test('what it says to wait is enough, and hardly more', () => {
  fc.assert(
    fc.property(fc.integer({ min: 20, max: 50 }), tries, (perSecond, all) => {
      const bucket = new TokenBucket(perSecond, 0);
      let ms = 0;
      for (const { afterMs, cost } of all) {
        ms += afterMs;
        const waitMs = bucket.waitMs(cost, ms);
        if (waitMs > 1) expect(bucket.waitMs(cost, ms + waitMs - 1.001)).toBeGreaterThan(0);
        ms += waitMs;
        expect(bucket.waitMs(cost, ms + 0.001)).toBe(0);
        bucket.take(cost, ms + 0.001);
        ms += 0.001;
      }
    }),
  );
});

test('lets through what is larger than its burst, once nothing came before', () => {
  const bucket = new TokenBucket(10, 0);
  bucket.take(1, 0);
  expect(bucket.waitMs(1_000, 0)).toBe(100);
  expect(bucket.waitMs(1_000, 100)).toBe(0);
  bucket.take(1_000, 100);
  expect(bucket.waitMs(1, 100)).toBe(98_100);
});
