/**
 * A queue between a producer that pushes and a consumer that iterates.
 * After `end` it ends once all items were taken; after `fail` it throws at once.
 */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #ended = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  get length(): number {
    return this.#items.length;
  }

  push(item: T): void {
    if (this.#ended || this.#failure) return;
    this.#items.push(item);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  fail(failure: Error): void {
    if (this.#ended) return;
    this.#failure ??= failure;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      this.#throwIfFailed();
      while (this.#items.length > 0) {
        yield this.#items.shift() as T;
        this.#throwIfFailed();
      }
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  #throwIfFailed(): void {
    if (this.#failure) throw this.#failure;
  }
}
