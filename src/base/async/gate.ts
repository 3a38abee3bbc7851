/** A condition that can be awaited, like asyncio.Event. */
export class Gate {
  readonly #waiting = new Set<() => void>();
  #isOpen: boolean;

  constructor(isOpen: boolean) {
    this.#isOpen = isOpen;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Opens or closes the gate. Opening resolves all waiters. */
  set(isOpen: boolean): void {
    if (isOpen === this.#isOpen) return;
    this.#isOpen = isOpen;
    if (!isOpen) return;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** Resolves when the gate is open, at once or later. */
  async opened(): Promise<void> {
    if (this.#isOpen) return;
    await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }
}
