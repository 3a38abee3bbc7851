import { Wakeup } from '../base/wakeup.ts';
import { matchTopic } from '../contract/wire/topic.ts';
import type { Owner, Store, StoredMessage, SubscriptionSpec } from './store.ts';

/** At most so many messages are read, and recorded as delivered, in one operation of the store. */
const batchMessages = 64;

export interface FedMessage {
  readonly message: StoredMessage;
  readonly maybeRedelivered: boolean;
  readonly attempt: number;
}

/** What is to be delivered again, with the attempts so far. */
export interface FailedMessage {
  readonly message: StoredMessage;
  readonly attempts: number;
}

export interface FeedOptions {
  readonly store: Store;
  readonly owner: Owner;
  readonly spec: SubscriptionSpec;
  readonly credit: { messages: number; bytes: number };
  /** Called once the position is found, before the first delivery. */
  readonly onOpen: () => void;
  /** Sends one message; resolves when there is room for the next. */
  readonly deliver: (fed: FedMessage) => Promise<void>;
  /** So many messages were dropped before they could be delivered. */
  readonly onMissed: (count: number) => void;
  /** Puts a message away instead of delivering it again; false when it is to be delivered. */
  readonly putAway: (failed: FailedMessage) => Promise<boolean>;
}

/**
 * Feeds one subscription of one session: first what was delivered before and not acknowledged, in its order and marked,
 * then everything newer, as far as the credit goes. What may have been delivered is recorded before it is sent, as many
 * messages together as there is credit for.
 */
export class SubscriptionFeed {
  readonly spec: SubscriptionSpec;
  readonly #options: FeedOptions;
  readonly #wakeup = new Wakeup();
  readonly #stopListening: () => void;
  /** To be delivered again before anything new, in ascending order unless it was retried, with the attempts so far. */
  readonly #again = new Map<bigint, number>();
  readonly #credit: { messages: number; bytes: number };
  #scannedTo = 0n;
  #recordedTo = 0n;
  /** A message waits for more credit, so that there is nothing to look for. */
  #blocked = false;
  #closed = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.spec = options.spec;
    this.#credit = { ...options.credit };
    this.#stopListening = options.store.onAppend(() => this.#wakeup.notify());
  }

  addCredit(more: { messages: number; bytes: number }): void {
    this.#credit.messages += more.messages;
    this.#credit.bytes += more.bytes;
    this.#blocked = false;
    this.#wakeup.notify();
  }

  /** Delivers these again, by position with the attempts so far, as soon as there is credit. */
  retry(attempts: ReadonlyMap<bigint, number>): void {
    for (const [position, count] of attempts) this.#again.set(position, count);
    this.#wakeup.notify();
  }

  close(): void {
    this.#closed = true;
    this.#stopListening();
    this.#wakeup.notify();
  }

  /** Runs until the feed is closed. @throws StaleEpochError when the owner lost the instance id meanwhile. */
  async run(): Promise<void> {
    const { store, owner, spec, onOpen } = this.#options;
    const start = await store.openSubscription(owner, spec);
    if (this.#closed) return;
    onOpen();
    this.#scannedTo = start.scannedTo;
    this.#recordedTo = start.scannedTo;
    this.retry(start.pending);
    while (!this.#closed) {
      const mayBeMore = this.#again.size > 0 ? await this.#deliverAgain() : await this.#deliverNew();
      if (!mayBeMore || this.#blocked) await this.#wait();
    }
  }

  async #wait(): Promise<void> {
    do await this.#wakeup.wait();
    while (this.#blocked && !this.#closed);
  }

  async #deliverAgain(): Promise<true> {
    const { store, putAway } = this.#options;
    const batch: FedMessage[] = [];
    for (const [position, attempts] of [...this.#again].slice(0, batchMessages)) {
      const message = await store.get(position);
      if (!message) {
        await this.#letGo(position);
      } else if (!(await putAway({ message, attempts }))) {
        if (!this.#takeCredit(message)) break;
        batch.push({ message, maybeRedelivered: true, attempt: attempts + 1 });
      }
      this.#again.delete(position);
    }
    await this.#deliver(batch);
    return true;
  }

  /** False when everything that is published was looked at. */
  async #deliverNew(): Promise<boolean> {
    const { store, spec } = this.#options;
    const read = await store.read(this.#scannedTo, batchMessages);
    if (read[0]) await this.#passOver(read[0].position - this.#scannedTo - 1n);
    const batch: FedMessage[] = [];
    let taken = 0;
    for (const message of read) {
      if (matchTopic(spec.pattern, topicOf(message))) {
        if (!this.#takeCredit(message)) break;
        batch.push({ message, maybeRedelivered: false, attempt: 1 });
      }
      this.#scannedTo = message.position;
      taken += 1;
    }
    // A subscription that nothing matches would otherwise hold on to every message of the log.
    const isAtEnd = taken === read.length && read.length < batchMessages;
    if (batch.length > 0 || (isAtEnd && this.#scannedTo > this.#recordedTo)) await this.#deliver(batch);
    return taken > 0;
  }

  /** Without its message a position can only be let go of; it is missed unless it has been acknowledged since. */
  async #letGo(position: bigint): Promise<void> {
    const { store, owner, spec, onMissed } = this.#options;
    const delivery = { positions: [position], scannedTo: this.#recordedTo };
    const due = await store.recordDelivery(owner, spec.name, delivery);
    await store.acknowledge(owner, spec.name, [position]);
    if (due.length > 0) onMissed(1);
  }

  /** Positions have no gaps, so that one tells of messages that are not kept any more. */
  async #passOver(gap: bigint): Promise<void> {
    if (gap === 0n) return;
    this.#scannedTo += gap;
    await this.#deliver([]);
    this.#options.onMissed(Number(gap));
  }

  async #deliver(batch: readonly FedMessage[]): Promise<void> {
    const { store, owner, spec, deliver } = this.#options;
    if (this.#closed || (batch.length === 0 && this.#scannedTo === this.#recordedTo)) return;
    const positions = batch.map(({ message }) => message.position);
    const due = new Set(await store.recordDelivery(owner, spec.name, { positions, scannedTo: this.#scannedTo }));
    this.#recordedTo = this.#scannedTo;
    for (const fed of batch) {
      if (this.#closed) return;
      const { position, bytes } = fed.message;
      if (due.has(position)) await deliver(fed);
      // Acknowledged while it waited to be delivered again: it must not come, and costs no credit.
      else this.addCredit({ messages: 1, bytes });
    }
  }

  #takeCredit(message: StoredMessage): boolean {
    this.#blocked = this.#credit.messages <= 0 || this.#credit.bytes <= 0;
    if (this.#blocked) return false;
    this.#credit.messages -= 1;
    this.#credit.bytes -= message.bytes;
    return true;
  }
}

function topicOf(message: StoredMessage): string {
  return message.envelope.meta?.topic ?? '';
}
