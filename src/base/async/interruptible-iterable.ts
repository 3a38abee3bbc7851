import type { ReadyIterator } from './ready-iterator.ts';

/**
 * Iterates a source until it ends or is interrupted.
 * A race with one long-lived promise would do the same, but keep a callback for every item.
 */
export class InterruptibleIterable<T> implements AsyncIterable<T> {
  readonly #source: ReadyIterator<T>;
  #failure: Error | undefined;
  #rejectWaiting: ((failure: Error) => void) | undefined;

  constructor(source: ReadyIterator<T>) {
    this.#source = source;
  }

  /** Makes the iteration throw this, now or at its next step. */
  interrupt(failure: Error): void {
    this.#failure ??= failure;
    this.#rejectWaiting?.(this.#failure);
  }

  [Symbol.asyncIterator](): ReadyIterator<T> {
    return {
      next: () => this.#next(),
      takeReady: () => (this.#failure ? undefined : this.#source.takeReady?.()),
    };
  }

  #next(): Promise<IteratorResult<T>> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#rejectWaiting = reject;
      this.#source.next().then(resolve, reject);
    });
  }
}
