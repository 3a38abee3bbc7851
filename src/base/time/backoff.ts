import type { Scheduler } from './scheduler.ts';

export interface BackoffOptions {
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

/**
 * Exponential backoff with full jitter: each delay is drawn evenly from zero to a bound that doubles.
 * Full jitter spreads a crowd of clients best: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export class Backoff {
  #attempt = 0;
  readonly #scheduler: Scheduler;
  readonly #options: BackoffOptions;

  constructor(scheduler: Scheduler, options: BackoffOptions) {
    this.#scheduler = scheduler;
    this.#options = options;
  }

  /** The delay before the next attempt, in milliseconds. */
  nextDelayMs(): number {
    const bound = Math.min(this.#options.maxDelayMs, this.#options.firstDelayMs * 2 ** this.#attempt);
    this.#attempt += 1;
    return this.#scheduler.random.next() * bound;
  }

  /** Starts again with the first delay, after a success. */
  reset(): void {
    this.#attempt = 0;
  }
}
