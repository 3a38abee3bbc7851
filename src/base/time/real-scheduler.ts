import { systemRandom } from '../random.ts';
import type { Scheduler } from './scheduler.ts';

/** Node fires a timer that is longer than this at once, so that a longer one is made of several. */
const longestDelayMs = 2 ** 31 - 1;

/** A greater difference between the two clocks is a step of the machine's, or the time that the machine slept. */
const stepMinMs = 50;

/** When `performance` began to count, by the machine's clock as it is set now. */
let originMs = performance.timeOrigin;

/** `performance` counts finely, but neither the steps of the machine's clock nor its sleep, so it is held to `Date`. */
function wallTimeMs(): number {
  const steppedMs = Date.now() - (originMs + performance.now());
  if (Math.abs(steppedMs) > stepMinMs) originMs += steppedMs;
  return originMs + performance.now();
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
