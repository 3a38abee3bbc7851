/**
 * Lets one loop wait until something it looks at may have changed.
 * A notification that comes before the wait is not lost; several before one wait count as one.
 */
export class Wakeup {
  #notified = false;
  #wake: (() => void) | undefined;

  notify(): void {
    this.#notified = true;
    this.#wake?.();
  }

  async wait(): Promise<void> {
    if (!this.#notified) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    this.#notified = false;
  }
}
