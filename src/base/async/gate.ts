/** Something that is true or not, and can be waited for. */
export class Gate {
  readonly #waiting = new Set<() => void>();
  #isOpen: boolean;

  constructor(isOpen: boolean) {
    this.#isOpen = isOpen;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Opens or shuts it; opening lets everybody through who waits. */
  set(isOpen: boolean): void {
    this.#isOpen = isOpen;
    if (!isOpen) return;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** Resolves when it is open, at once or later. */
  async opened(): Promise<void> {
    if (this.#isOpen) return;
    await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }
}
