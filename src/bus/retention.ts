/** How much every store keeps. */
export interface RetentionOptions {
  /** Kept even when every subscription is past them, for subscriptions that start from a time. */
  readonly messages: number;
  /** The most that unfinished messages may hold; beyond it nothing more is accepted. */
  readonly bytes: number;
}

/**
 * Says when to find out what nobody needs any more, which looks at every subscription: whenever a 64th of what is kept has been
 * appended, and not at every append.
 */
export class TrimPace {
  readonly #retention: RetentionOptions;
  #messages = 0;
  #bytes = 0;
  #isDue = true;

  constructor(retention: RetentionOptions) {
    this.#retention = retention;
  }

  appended(bytes: number): void {
    this.#messages += 1;
    this.#bytes += bytes;
    this.#isDue ||= this.#messages >= this.#retention.messages / 64 || this.#bytes >= this.#retention.bytes / 64;
  }

  /** Something else may have made room. */
  hurry(): void {
    this.#isDue = true;
  }

  get isDue(): boolean {
    return this.#isDue;
  }

  done(): void {
    this.#isDue = false;
    this.#messages = 0;
    this.#bytes = 0;
  }
}

export const defaultRetention: RetentionOptions = { messages: 10_000, bytes: 256 * 1024 * 1024 };
export const defaultDedupWindowMs = 600_000;
