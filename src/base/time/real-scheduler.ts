import { systemRandom } from '../random.ts';
import type { Scheduler } from './scheduler.ts';

/** Node fires a longer timer at once, so a longer delay is split into several timers. */
const longestDelayMs = 2 ** 31 - 1;

/** A larger difference between the two clocks means that the machine's clock was stepped or the machine slept. */
const stepMinMs = 50;

/** The start of `performance`'s count, by the current setting of the machine's clock. */
let originMs = performance.timeOrigin;

/** `performance` has a fine resolution but misses clock steps and sleep, so it is corrected by `Date`. */
function wallTimeMs(): number {
  const sinceStartMs = performance.now();
  const steppedMs = Date.now() - (originMs + sinceStartMs);
  if (Math.abs(steppedMs) > stepMinMs) originMs += steppedMs;
  return originMs + sinceStartMs;
}

/** The machine's clock, timers and randomness. */
export const realScheduler: Scheduler = {
  nowMs: () => performance.now(),
  wallTimeNs: () => BigInt(Math.round(wallTimeMs() * 1e3)) * 1_000n,
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
