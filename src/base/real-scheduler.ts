import { systemRandom } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** The machine's clock, timers and randomness. */
export const realScheduler: Scheduler = {
  nowMs: () => performance.now(),
  wallTimeNs: () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e3)) * 1_000n,
  setTimer(delayMs, callback) {
    const handle = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
  random: systemRandom,
};
