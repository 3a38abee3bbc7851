import { systemRandom } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** Node fires a timer that is longer than this at once, so that a longer one is made of several. */
const longestDelayMs = 2 ** 31 - 1;

/** The machine's clock, timers and randomness. */
export const realScheduler: Scheduler = {
  nowMs: () => performance.now(),
  wallTimeNs: () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e3)) * 1_000n,
  setTimer(delayMs, callback) {
    let handle: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      const stepMs = Math.min(leftMs, longestDelayMs);
      handle = setTimeout(() => (leftMs > stepMs ? wait(leftMs - stepMs) : callback()), stepMs);
    };
    wait(delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
  random: systemRandom,
};
