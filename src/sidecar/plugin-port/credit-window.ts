import type { Credit } from '../bus-link/bus-subscription.ts';

/**
 * Passes a plugin's credit on to the bus in portions: never more outstanding than the cap, however much the plugin
 * gives, so that a plugin that gives much and reads nothing costs no more memory than the cap.
 */
export class CreditWindow {
  readonly #cap: Credit;
  /** Given by the plugin and not passed on yet. */
  #kept: Credit = { messages: 0, bytes: 0 };
  /** Passed on and not used up by deliveries yet. */
  #outstanding: Credit = { messages: 0, bytes: 0 };

  constructor(cap: Credit) {
    this.#cap = cap;
  }

  give(more: Credit): void {
    this.#kept = plus(this.#kept, more);
  }

  /** One message came; it may have used more bytes than there was credit for. */
  delivered(bytes: number): void {
    this.#outstanding = plus(this.#outstanding, { messages: -1, bytes: -bytes });
  }

  /** What may be passed on to the bus now; undefined when that is nothing. */
  take(): Credit | undefined {
    const room = (kind: keyof Credit): number =>
      Math.max(0, Math.min(this.#kept[kind], this.#cap[kind] - this.#outstanding[kind]));
    const portion = { messages: room('messages'), bytes: room('bytes') };
    if (portion.messages === 0 && portion.bytes === 0) return undefined;
    this.#kept = plus(this.#kept, { messages: -portion.messages, bytes: -portion.bytes });
    this.#outstanding = plus(this.#outstanding, portion);
    return portion;
  }
}

function plus(a: Credit, b: Credit): Credit {
  return { messages: a.messages + b.messages, bytes: a.bytes + b.bytes };
}
