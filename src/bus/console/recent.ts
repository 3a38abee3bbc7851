/** The newest entries, newest first. */
export class Recent<T> {
  readonly #max: number;
  #entries: T[] = [];
  /** Also those that are gone. */
  total = 0;

  constructor(max: number) {
    this.#max = max;
  }

  add(entry: T): void {
    this.total += 1;
    this.#entries = [entry, ...this.#entries.slice(0, this.#max - 1)];
  }

  get entries(): readonly T[] {
    return this.#entries;
  }
}
