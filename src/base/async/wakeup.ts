/**
 * Lets one loop wait until something that it looks at may have changed, like tokio's Notify.
 * A notification before the wait is not lost. Several before one wait count as one.
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
