import { Wakeup } from '../../base/async/wakeup.ts';
import { limits } from '../../contract/wire/limits.ts';
import type { Attempts, FailedDelivery } from '../store/deliveries.ts';
import type { Owner, Store, StoredMessage, SubscriptionSpec } from '../store/store.ts';
import type { Feed, StoredUnder } from './feed.ts';
import { LogReader } from './log-reader.ts';
import type { LogTail } from './log-tail.ts';

/** Messages per store operation, read or recorded as delivered. */
const batchMessages = 64;

export interface FedMessage {
  readonly message: StoredMessage;
  readonly maybeRedelivered: boolean;
  readonly attempt: number;
}

/** A message to redeliver, with its attempts so far. */
export interface FailedMessage {
  readonly message: StoredMessage;
  readonly attempts: number;
}

export interface FeedOptions {
  readonly store: Store;
  readonly tail: LogTail;
  readonly owner: Owner;
  readonly spec: SubscriptionSpec;
  readonly credit: { messages: number; bytes: number };
  /** Called once the cursor is found, before the first delivery. */
  readonly onOpen: () => void;
  /** Resolves when there is capacity for a message, so that none is read before. Undefined if there is capacity now. */
  readonly room: () => Promise<void> | undefined;
  /** Sends one message once there is capacity for it. Undefined if that is done at once. */
  readonly deliver: (fed: FedMessage) => Promise<void> | undefined;
  /** Called with the number of messages that were dropped before delivery. */
  readonly onMissed: (count: number) => void;
  /** Dead-letters a message instead of redelivering it. False if it must be delivered. */
  readonly deadLetterIfExhausted: (failed: FailedMessage) => Promise<boolean>;
}

/**
 * Feeds one subscription of one session: first it redelivers unacknowledged messages, in order and marked, then it delivers everything
 * newer, within the credit. Deliveries are recorded before they are sent, as many together as the credit allows. While the subscription is
 * behind, it reads the store; then it follows the tail of the log.
 */
export class SubscriptionFeed implements Feed {
  readonly storedUnder: StoredUnder;
  readonly #options: FeedOptions;
  readonly #reader: LogReader;
  readonly #wakeup = new Wakeup();
  /** To redeliver before anything new, with the attempts so far. Ascending, except for nacked messages. */
  readonly #again = new Map<bigint, number>();
  readonly #credit: { messages: number; bytes: number };
  #recordedTo = 0n;
  #isOpen = false;
  /** From the reading of a delivery until it is recorded, nothing else may record progress. */
  #isDelivering = false;
  /** A message waits for credit or acks, so searching for more is pointless. */
  #blocked = false;
  /** An upper bound of the unacknowledged messages: the count of the store, plus each later delivery. */
  #unacknowledgedMax: number = limits.unacknowledgedMessages;
  /** The limit of unacknowledged messages is reached, whatever the sidecar's credit. */
  #isFull = false;
  #acknowledgements = 0;
  #closed = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    const { store, tail, owner, spec } = options;
    this.storedUnder = { writer: owner, name: spec.name };
    this.#reader = new LogReader({ store, tail, pattern: spec.pattern, onMore: () => this.#wakeup.notify() });
    this.#credit = { ...options.credit };
  }

  addCredit(more: { messages: number; bytes: number }): void {
    this.#credit.messages += more.messages;
    this.#credit.bytes += more.bytes;
    this.#blocked = false;
    this.#wakeup.notify();
  }

  nacked(_: readonly FailedDelivery[], again: Attempts): void {
    this.#redeliver(again);
  }

  /** Once there is credit. */
  #redeliver(again: Attempts): void {
    for (const [position, count] of again) this.#again.set(position, count);
    // They already count as unacknowledged, so the limit does not stop their redelivery.
    if (this.#isFull) this.#blocked = false;
    this.#wakeup.notify();
  }

  acknowledged(): void {
    this.#acknowledgements += 1;
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#blocked = false;
    this.#wakeup.notify();
  }

  /**
   * The progress to record while nothing is delivered. A feed that waits for credit leaves the tail, since the store may stop
   * retaining messages for it.
   */
  progress(): bigint | undefined {
    if (this.#blocked) this.#reader.fallBehind();
    if (!this.#isOpen || this.#closed || this.#isDelivering) return undefined;
    const { doneTo } = this.#reader;
    return doneTo > this.#recordedTo ? doneTo : undefined;
  }

  recorded(cursor: bigint): void {
    if (cursor > this.#recordedTo) this.#recordedTo = cursor;
  }

  close(): void {
    this.#closed = true;
    this.#reader.close();
    this.#wakeup.notify();
  }

  /** Runs until the feed is closed. @throws StaleEpochError if the owner lost the instance id meanwhile. */
  async run(): Promise<void> {
    const { store, owner, spec, room, onOpen } = this.#options;
    const start = await store.openSubscription(owner, spec);
    if (this.#closed) return;
    onOpen();
    this.#reader.startAfter(start.cursor);
    this.#recordedTo = start.cursor;
    this.#isOpen = true;
    this.#redeliver(start.pending);
    while (!this.#closed) {
      await room();
      const mayBeMore = this.#again.size > 0 ? await this.#deliverAgain() : await this.#deliverNew();
      if (!mayBeMore || this.#blocked) await this.#wait();
    }
  }

  async #wait(): Promise<void> {
    do await this.#wakeup.wait();
    while (this.#blocked && !this.#closed);
  }

  async #deliverAgain(): Promise<true> {
    const { store, deadLetterIfExhausted } = this.#options;
    const batch: FedMessage[] = [];
    for (const [position, attempts] of [...this.#again].slice(0, batchMessages)) {
      const message = await store.get(position);
      if (!message) {
        await this.#skipMissing(position);
      } else if (!(await deadLetterIfExhausted({ message, attempts }))) {
        if (!this.#takeCredit(message)) break;
        batch.push({ message, maybeRedelivered: true, attempt: attempts + 1 });
      }
      this.#again.delete(position);
    }
    await this.#deliver(batch);
    return true;
  }

  /** False once every published message was examined. */
  async #deliverNew(): Promise<boolean> {
    const most = Math.min(batchMessages, await this.#unacknowledgedLeft());
    if (most === 0) return true;
    const batch: FedMessage[] = [];
    this.#isDelivering = true;
    const { missed, mayBeMore } = await this.#reader.read(
      Math.min(most, Math.max(1, this.#credit.messages)),
      (message) => {
        if (!this.#takeCredit(message)) return false;
        batch.push({ message, maybeRedelivered: false, attempt: 1 });
        return true;
      },
    );
    if (batch.length > 0 || missed > 0) await this.#deliver(batch, missed);
    this.#isDelivering = false;
    return mayBeMore;
  }

  /** How many more deliveries the limit of unacknowledged messages allows. At 0 it waits for acks. */
  async #unacknowledgedLeft(): Promise<number> {
    const { store, owner, spec } = this.#options;
    if (!this.#isFull && this.#unacknowledgedMax >= limits.unacknowledgedMessages) {
      const acknowledgements = this.#acknowledgements;
      this.#unacknowledgedMax = await store.unacknowledged({ instanceId: owner.instanceId, name: spec.name });
      const isFull = this.#unacknowledgedMax >= limits.unacknowledgedMessages;
      // Acks that arrived meanwhile may be missing in that number.
      this.#isFull = isFull && acknowledgements === this.#acknowledgements;
    }
    this.#blocked = this.#isFull;
    return Math.max(0, limits.unacknowledgedMessages - this.#unacknowledgedMax);
  }

  /** The store has dropped the message: acks its position and reports it lost unless acked since. */
  async #skipMissing(position: bigint): Promise<void> {
    const { store, owner, spec, onMissed } = this.#options;
    const delivery = { positions: [position], cursor: this.#recordedTo };
    const due = await store.recordDelivery(owner, spec.name, delivery);
    await store.acknowledge(owner, spec.name, [position]);
    if (due.length > 0) onMissed(1);
  }

  async #deliver(batch: readonly FedMessage[], missed = 0): Promise<void> {
    const due = new Set(await this.#record(batch));
    this.#unacknowledgedMax += due.size;
    this.#isDelivering = false;
    if (missed > 0) this.#options.onMissed(missed);
    const { deliver } = this.#options;
    for (const fed of batch) {
      if (this.#closed) return;
      const { position, envelope } = fed.message;
      // Acked while it waited for redelivery: it must not be delivered, and costs no credit.
      if (!due.has(position)) this.addCredit({ messages: 1, bytes: envelope.bytes.length });
      else {
        const sent = deliver(fed);
        if (sent) await sent;
      }
    }
  }

  /** The positions that are to be delivered. */
  async #record(batch: readonly FedMessage[]): Promise<readonly bigint[]> {
    const { store, owner, spec } = this.#options;
    const { cursor } = this.#reader;
    if (this.#closed || (batch.length === 0 && cursor === this.#recordedTo)) return [];
    this.#isDelivering = true;
    const positions = batch.map(({ message }) => message.position);
    const due = await store.recordDelivery(owner, spec.name, { positions, cursor });
    this.recorded(cursor);
    return due;
  }

  #takeCredit(message: StoredMessage): boolean {
    this.#blocked = this.#credit.messages <= 0 || this.#credit.bytes <= 0;
    if (this.#blocked) return false;
    this.#credit.messages -= 1;
    this.#credit.bytes -= message.envelope.bytes.length;
    return true;
  }
}
