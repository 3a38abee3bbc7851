import type { Random } from '../random.ts';

/** A scheduled callback. Cancelling one that has run or was cancelled does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * The source of time and randomness. It is passed in, so that the shipped code also runs in a seeded simulation.
 * The two implementations are `realScheduler` and `VirtualScheduler`.
 */
export interface Scheduler {
  /** Monotonic milliseconds since an arbitrary start; never steps back. */
  nowMs(): number;
  /** Nanoseconds since the Unix epoch by the machine's clock, which may step. */
  wallTimeNs(): bigint;
  /** Runs the callback once, after at least `delayMs`. */
  setTimer(delayMs: number, callback: () => void): Timer;
  readonly random: Random;
}

/**
 * Resolves after `delayMs`, or at once when the signal aborts.
 * It never rejects: callers check the signal if they need to.
 */
export function sleep(scheduler: Scheduler, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = scheduler.setTimer(delayMs, finish);
    signal?.addEventListener('abort', finish, { once: true });
    function finish(): void {
      timer.cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    }
  });
}

/** Runs `callback` every `periodMs` until the returned timer is cancelled. */
export function every(scheduler: Scheduler, periodMs: number, callback: () => void): Timer {
  let timer = scheduler.setTimer(periodMs, tick);
  function tick(): void {
    timer = scheduler.setTimer(periodMs, tick);
    callback();
  }
  return { cancel: () => timer.cancel() };
}
