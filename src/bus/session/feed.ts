import type { Attempts, FailedDelivery } from '../store/deliveries.ts';
import type { SubscriptionWriter } from '../store/store.ts';

/** Where a subscription is stored, and by whom it is written. */
export interface StoredUnder {
  readonly writer: SubscriptionWriter;
  readonly name: string;
}

/** Delivers the messages of one subscription of one session. */
export interface Feed {
  readonly storedUnder: StoredUnder;
  /** Runs until it is closed. @throws StaleEpochError, TooManySubscriptionsError */
  run(): Promise<void>;
  close(): void;
  addCredit(more: { readonly messages: number; readonly bytes: number }): void;
  /** The store has recorded acks of these positions. */
  acknowledged(positions: readonly bigint[]): void;
  /** The store has recorded that these deliveries failed. `again` has those that are to be redelivered. */
  nacked(failed: readonly FailedDelivery[], again: Attempts): void;
  /** The progress to record while nothing is delivered. Undefined: none, or it is recorded elsewhere. */
  progress(): bigint | undefined;
  recorded(cursor: bigint): void;
}
