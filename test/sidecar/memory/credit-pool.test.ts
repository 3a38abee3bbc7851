import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CreditPool } from '../../../src/sidecar/memory/credit-pool.ts';
import { CreditWindow } from '../../../src/sidecar/plugin-port/credit-window.ts';

const poolBytes = 10_000;
const cap = { messages: 16, bytes: 4_000 };
const endless = { messages: 1_000_000, bytes: 1_000_000_000 };

const step = fc.record({ window: fc.nat(20), messageBytes: fc.integer({ min: 1, max: 3_000 }) });

test('all subscriptions together have no more outstanding than the pool and a byte each, and each may always get one message', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(step, { maxLength: 200 }), (count, steps) => {
      const pool = new CreditPool(poolBytes);
      const windows = Array.from({ length: count }, () => {
        const window = new CreditWindow(cap, pool);
        window.give(endless);
        return { window, bytes: window.take()?.bytes ?? 0 };
      });
      for (const { window: index, messageBytes } of steps) {
        const each = windows[index % count];
        if (!each) continue;
        each.window.delivered(messageBytes);
        each.bytes += (each.window.take()?.bytes ?? 0) - messageBytes;
      }
      for (const { bytes } of windows) expect(bytes).toBeGreaterThan(0);
      const outstanding = windows.reduce((sum, { bytes }) => sum + bytes, 0);
      expect(outstanding).toBe(pool.outstandingBytes);
      expect(outstanding).toBeLessThanOrEqual(poolBytes + count);
    }),
  );
});

test('a late subscription comes to its share as the earlier ones use up theirs', () => {
  const pool = new CreditPool(poolBytes);
  const early = Array.from({ length: 3 }, () => new CreditWindow(cap, pool));
  for (const window of early) {
    window.give(endless);
    window.take();
  }
  const late = new CreditWindow(cap, pool);
  late.give(endless);
  late.take();
  for (const window of [...early, late]) {
    window.delivered(4_000);
    window.take();
  }
  late.delivered(2_500);
  expect(late.take()?.bytes).toBeGreaterThanOrEqual(2_500);
});

test('what a closed subscription had outstanding is there for the others', () => {
  const pool = new CreditPool(poolBytes);
  const window = new CreditWindow(cap, pool);
  window.give(endless);
  window.take();
  window.close();
  expect(pool.outstandingBytes).toBe(0);
});

test('nobody gets more while the pool is shut', () => {
  let isShut = true;
  const window = new CreditWindow(cap, new CreditPool(poolBytes, () => isShut));
  window.give(endless);
  expect(window.take()).toBeUndefined();
  isShut = false;
  expect(window.take()).toBeDefined();
});
