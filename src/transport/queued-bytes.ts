interface Waiter {
  readonly thresholdBytes: number;
  readonly resolve: () => void;
}

/** Counts queued bytes and wakes waiters when the count falls. */
export class QueuedBytes {
  #bytes = 0;
  #released = false;
  #waiters: Waiter[] = [];

  get bytes(): number {
    return this.#bytes;
  }

  add(bytes: number): void {
    if (!this.#released) this.#bytes += bytes;
  }

  remove(bytes: number): void {
    this.#bytes = Math.max(0, this.#bytes - bytes);
    this.#wake();
  }

  /** Resolves once the count is at most `thresholdBytes`. */
  atMost(thresholdBytes: number): Promise<void> {
    if (this.#bytes <= thresholdBytes) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ thresholdBytes, resolve }));
  }

  /** Nothing is queued any more, and nothing will be. */
  release(): void {
    this.#released = true;
    this.#bytes = 0;
    this.#wake();
  }

  #wake(): void {
    if (this.#waiters.length === 0) return;
    const waiting = this.#waiters;
    this.#waiters = waiting.filter((waiter) => waiter.thresholdBytes < this.#bytes);
    for (const waiter of waiting) if (waiter.thresholdBytes >= this.#bytes) waiter.resolve();
  }
}
