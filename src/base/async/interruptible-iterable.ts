/**
 * Iterates a source until it ends or is interrupted.
 * A race with one long-lived promise would do the same, but keep a callback for every item.
 */
export class InterruptibleIterable<T> implements AsyncIterable<T> {
  readonly #source: AsyncIterator<T>;
  #failure: Error | undefined;
  #rejectWaiting: ((failure: Error) => void) | undefined;

  constructor(source: AsyncIterator<T>) {
    this.#source = source;
  }

  /** Makes the iteration throw this, now or at its next step. */
  interrupt(failure: Error): void {
    this.#failure ??= failure;
    this.#rejectWaiting?.(this.#failure);
  }

  [Symbol.asyncIterator](): AsyncIterator<T, unknown, undefined> {
    return { next: () => this.#next() };
  }

  #next(): Promise<IteratorResult<T>> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#rejectWaiting = reject;
      this.#source.next().then(resolve, reject);
    });
  }
}
