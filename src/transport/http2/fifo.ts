/** A queue whose ends cost the same however long it is; `shift` of a long array moves all of it. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #at = 0;

  get length(): number {
    return this.#items.length - this.#at;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  first(): T | undefined {
    return this.#items[this.#at];
  }

  shift(): T | undefined {
    const item = this.#items[this.#at];
    if (this.#at < this.#items.length) {
      this.#items[this.#at] = undefined;
      this.#at += 1;
      if (this.#at === this.#items.length) this.clear();
      else if (this.#at > 1_024 && this.#at * 2 > this.#items.length) {
        this.#items = this.#items.slice(this.#at);
        this.#at = 0;
      }
    }
    return item;
  }

  clear(): void {
    this.#items = [];
    this.#at = 0;
  }
}
