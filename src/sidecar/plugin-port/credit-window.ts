import type { Credit } from '../bus-link/bus-subscription.ts';
import type { CreditPool } from '../memory/credit-pool.ts';

/**
 * Passes a plugin's credit on to the bus in portions. Outstanding credit never exceeds the cap, nor what the pool of all
 * subscriptions allows, so a plugin that gives much credit and reads nothing costs no more memory.
 */
export class CreditWindow {
  readonly #cap: Credit;
  readonly #pool: CreditPool;
  /** Given by the plugin and not passed on yet. */
  #keptMessages = 0;
  #keptBytes = 0;
  /** Passed on and not used by deliveries yet. */
  #outstandingMessages = 0;
  #outstandingBytes = 0;
  #isClosed = false;

  constructor(cap: Credit, pool: CreditPool) {
    this.#cap = cap;
    this.#pool = pool;
    pool.join();
  }

  give(more: Credit): void {
    this.#keptMessages += more.messages;
    this.#keptBytes += more.bytes;
  }

  /** A message arrived; it may have used more bytes than there was credit for. */
  delivered(bytes: number): void {
    this.#change(-1, -bytes);
  }

  /** The credit to pass on to the bus now; undefined for none. */
  take(): Credit | undefined {
    if (this.#isClosed || this.#pool.isShut) return undefined;
    const messages = Math.max(0, Math.min(this.#keptMessages, this.#cap.messages - this.#outstandingMessages));
    const room = Math.min(this.#cap.bytes - this.#outstandingBytes, this.#pool.roomFor(this.#outstandingBytes));
    const bytes = Math.max(0, Math.min(this.#keptBytes, room));
    if (messages === 0 && bytes === 0) return undefined;
    this.#keptMessages -= messages;
    this.#keptBytes -= bytes;
    this.#change(messages, bytes);
    return { messages, bytes };
  }

  /** Returns outstanding credit to the pool; the bus has dropped it with the subscription. */
  close(): void {
    this.#isClosed = true;
    this.#pool.leave(this.#outstandingBytes);
  }

  #change(messages: number, bytes: number): void {
    const before = this.#outstandingBytes;
    this.#outstandingMessages += messages;
    this.#outstandingBytes += bytes;
    this.#pool.changed(before, this.#outstandingBytes);
  }
}
