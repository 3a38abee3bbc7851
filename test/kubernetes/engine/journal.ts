/** What happened in a cluster, in its order. */
export class Journal {
  readonly entries: string[] = [];
  readonly #waiting = new Set<() => void>();
  #failure: Error | undefined;

  add(entry: string): void {
    this.entries.push(entry);
    for (const look of this.#waiting) look();
  }

  /** What went wrong where nobody waits; all who wait hear of it. */
  fail(error: Error): void {
    this.#failure ??= error;
    for (const look of this.#waiting) look();
  }

  /** Waits for an entry at that place or later; returns the place after it. @throws what `fail` was told. */
  seen(entry: string, from = 0): Promise<number> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const place = this.entries.indexOf(entry, from);
        if (place < 0 && this.#failure === undefined) return;
        this.#waiting.delete(look);
        if (place < 0) reject(this.#failure as Error);
        else resolve(place + 1);
      };
      this.#waiting.add(look);
      look();
    });
  }
}
