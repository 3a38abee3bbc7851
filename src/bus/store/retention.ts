import { StoreFullError } from './store.ts';

/** How much a store retains. */
export interface RetentionOptions {
  /** Retained even if every subscription has passed them, for subscriptions that start at a time. */
  readonly messages: number;
  /** The limit of all stored data: unfinished messages, dedup keys, states, subscriptions. At the limit the store accepts nothing more. */
  readonly bytes: number;
}

/** Decides when to trim, which examines every subscription: whenever a 64th of the retained bytes was appended, not at every append. */
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

  /** Other data may have been deleted. */
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

/** The shares of a store's bytes: for the dedup keys of one instance, and for the states of all instances of one principal. */
const shares = { keys: 1 / 8, states: 1 / 4 } as const;

/** The size of a row's numbers, beside its texts and bytes. */
export const rowBytes = { delivery: 32, publish: 16, instance: 8, epoch: 24, decision: 16 } as const;

/** The size of texts in UTF-8. */
export function textBytes(...texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}

/** The size of a dedup key with the fields that it is stored under. */
export function keySize(
  { instanceId }: { readonly instanceId: string },
  { topic, dedupKey, messageId }: { readonly topic: string; readonly dedupKey: string; readonly messageId: string },
): number {
  return textBytes(instanceId, topic, dedupKey, messageId);
}

interface Share {
  readonly kept: number;
  readonly toCome: number;
}

/** @throws StoreFullError if an instance's dedup keys would exceed its share */
export function checkKeyShare({ bytes }: RetentionOptions, { kept, toCome }: Share): void {
  const limit = Math.floor(bytes * shares.keys);
  if (kept + toCome <= limit) return;
  throw new StoreFullError(
    `the dedup keys of this instance take ${kept} bytes of the store; ${toCome} more would be over the limit of ${limit}`,
  );
}

/**
 * A change that does not enlarge a state is always accepted. @throws StoreFullError if the states of a principal's instances would exceed
 * its share
 */
export function checkStateShare({ bytes }: RetentionOptions, { kept, toCome }: Share): void {
  const limit = Math.floor(bytes * shares.states);
  if (toCome <= 0 || kept + toCome <= limit) return;
  throw new StoreFullError(
    `the states of all instances of this principal take ${kept} bytes of the store; ${toCome} more would be over the limit of ${limit}`,
  );
}

/** The refusal of a publish because the store is full. */
export function fullStore({ bytes }: RetentionOptions, otherBytes: number): StoreFullError {
  const others = `${otherBytes} of its ${bytes} bytes are dedup keys, states, subscriptions, deliveries and the like`;
  return new StoreFullError(`the store is full of messages that subscribers have not acknowledged; ${others}`);
}
