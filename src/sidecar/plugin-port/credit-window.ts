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
  #kept: Credit = { messages: 0, bytes: 0 };
  /** Passed on and not used by deliveries yet. */
  #outstanding: Credit = { messages: 0, bytes: 0 };

  constructor(cap: Credit, pool: CreditPool) {
    this.#cap = cap;
    this.#pool = pool;
    pool.join();
  }

  give(more: Credit): void {
    this.#kept = plus(this.#kept, more);
  }

  /** A message arrived; it may have used more bytes than there was credit for. */
  delivered(bytes: number): void {
    this.#change({ messages: -1, bytes: -bytes });
  }

  /** The credit to pass on to the bus now; undefined for none. */
  take(): Credit | undefined {
    if (this.#pool.isShut) return undefined;
    const room = (kind: keyof Credit): number => Math.min(this.#kept[kind], this.#cap[kind] - this.#outstanding[kind]);
    const portion = {
      messages: Math.max(0, room('messages')),
      bytes: Math.max(0, Math.min(room('bytes'), this.#pool.roomFor(this.#outstanding.bytes))),
    };
    if (portion.messages === 0 && portion.bytes === 0) return undefined;
    this.#kept = plus(this.#kept, { messages: -portion.messages, bytes: -portion.bytes });
    this.#change(portion);
    return portion;
  }

  /** Returns outstanding credit to the pool; the bus has dropped it with the subscription. */
  close(): void {
    this.#pool.leave(this.#outstanding.bytes);
  }

  #change(by: Credit): void {
    const before = this.#outstanding.bytes;
    this.#outstanding = plus(this.#outstanding, by);
    this.#pool.changed(before, this.#outstanding.bytes);
  }
}

function plus(a: Credit, b: Credit): Credit {
  return { messages: a.messages + b.messages, bytes: a.bytes + b.bytes };
}
