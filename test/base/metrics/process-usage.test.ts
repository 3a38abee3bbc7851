import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { processUsageReader } from '../../../src/base/metrics/process-usage.ts';

const blockedMs = 1_000;

test('an event loop that stood still is shown by the next reading alone', async () => {
  const read = processUsageReader();
  // Some looks, of which the first only begins the measurement.
  await sleep(500);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockedMs);
  // The look that is late comes before a timer that is set after it.
  await sleep(1);
  expect(read().eventLoopDelaySecondsMax).toBeGreaterThan((blockedMs - 100) / 1_000);
  expect(read().eventLoopDelaySecondsMax).toBe(0);
});
