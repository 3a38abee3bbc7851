import { type Random, seededRandom } from '../base/random.ts';
import type { Scheduler, Timer } from '../base/time/scheduler.ts';

interface PendingTimer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** 2026-01-01T00:00:00Z, the start of every simulation's clock. */
const startOfTimeNs = 1_767_225_600_000_000_000n;

/**
 * Virtual time for tests: timers fire in order of their due time, without real waiting.
 * The same seed gives the same run if nothing in it uses real I/O.
 */
export class VirtualScheduler implements Scheduler {
  readonly random: Random;
  #nowMs = 0;
  #order = 0;
  #clockOffsetNs = 0n;
  readonly #timers = new Set<PendingTimer>();

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallTimeNs(): bigint {
    return startOfTimeNs + BigInt(Math.round(this.#nowMs * 1e6)) + this.#clockOffsetNs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  /** Steps the wall clock, as an operator or NTP would. The monotonic clock does not move. */
  stepClock(byMs: number): void {
    this.#clockOffsetNs += BigInt(Math.round(byMs * 1e6));
  }

  /** Fires every timer due within the next `durationMs`, in order. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    await microtasksDone();
    for (let timer = this.#earliest(); timer && timer.dueMs <= endMs; timer = this.#earliest()) {
      await this.#fire(timer);
    }
    this.#nowMs = endMs;
  }

  /**
   * Runs virtual time until the promise settles and returns its outcome.
   * @throws Error if nothing is scheduled while the promise is pending, or if `limitMs` of virtual time pass.
   */
  async run<T>(promise: Promise<T>, limitMs = 3_600_000): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    const endMs = this.#nowMs + limitMs;
    await microtasksDone();
    while (!settled) {
      const timer = this.#earliest();
      if (!timer) throw new Error('the simulation is stuck: nothing is scheduled and the awaited promise is pending');
      if (timer.dueMs > endMs) throw new Error(`the simulation did not end within ${limitMs} ms of virtual time`);
      await this.#fire(timer);
    }
    return promise;
  }

  async #fire(timer: PendingTimer): Promise<void> {
    this.#timers.delete(timer);
    this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
    timer.callback();
    await microtasksDone();
  }

  #earliest(): PendingTimer | undefined {
    let earliest: PendingTimer | undefined;
    for (const timer of this.#timers) {
      if (
        !earliest ||
        timer.dueMs < earliest.dueMs ||
        (timer.dueMs === earliest.dueMs && timer.order < earliest.order)
      ) {
        earliest = timer;
      }
    }
    return earliest;
  }
}

// Taken before a test replaces the timers of its process with its own.
const nextTurn = setImmediate;

/** Resolves on the next turn of the event loop, after every promise callback that is ready. */
function microtasksDone(): Promise<void> {
  return new Promise((resolve) => nextTurn(resolve));
}
