import { Wakeup } from '../../base/async/wakeup.ts';
import { limits } from '../../contract/wire/limits.ts';
import type { Owner, Store, StoredMessage, SubscriptionSpec } from '../store/store.ts';
import type { LogTail, TailListener } from './log-tail.ts';

/** At most so many messages are read, and recorded as delivered, in one operation of the store. */
const batchMessages = 64;
/** With more than this waiting for it a subscription stops following the log, and reads it anew when it goes on. */
const offeredMax = 1_024;

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
  readonly tail: LogTail;
  readonly owner: Owner;
  readonly spec: SubscriptionSpec;
  readonly credit: { messages: number; bytes: number };
  /** Called once the position is found, before the first delivery. */
  readonly onOpen: () => void;
  /** Resolves when there is room for a message, so that none is read before. */
  readonly room: () => Promise<void>;
  /** Sends one message, when there is room for it. */
  readonly deliver: (fed: FedMessage) => Promise<void>;
  /** So many messages were dropped before they could be delivered. */
  readonly onMissed: (count: number) => void;
  /** Puts a message away instead of delivering it again; false when it is to be delivered. */
  readonly putAway: (failed: FailedMessage) => Promise<boolean>;
}

/**
 * Feeds one subscription of one session: first what was delivered before and not acknowledged, in its order and marked,
 * then everything newer, as far as the credit goes. What may have been delivered is recorded before it is sent, as many
 * messages together as there is credit for. While it is behind it reads the store, then it follows the tail of the log.
 */
export class SubscriptionFeed implements TailListener {
  readonly spec: SubscriptionSpec;
  readonly pattern: string;
  readonly #options: FeedOptions;
  readonly #wakeup = new Wakeup();
  /** To be delivered again before anything new, in ascending order unless it was retried, with the attempts so far. */
  readonly #again = new Map<bigint, number>();
  readonly #credit: { messages: number; bytes: number };
  /** Everything up to here is delivered, or about to be, or does not match. */
  #scannedTo = 0n;
  #recordedTo = 0n;
  /** Whether it follows the tail. */
  #isLive = false;
  /** What the tail has offered and is not delivered yet. */
  #offered: bigint[] = [];
  #isOpen = false;
  /** While a delivery is being recorded, nothing else may record how far it goes. */
  #isDelivering = false;
  /** A message waits for more credit, or for acknowledgements, so that there is nothing to look for. */
  #blocked = false;
  /** No more than this is delivered and not acknowledged: the store says it, and each delivery after that adds to it. */
  #unacknowledgedMax: number = limits.unacknowledgedMessages;
  /** As much as may be is not acknowledged, whatever credit the sidecar gives. */
  #isFull = false;
  #acknowledgements = 0;
  #closed = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.spec = options.spec;
    this.pattern = options.spec.pattern;
    this.#credit = { ...options.credit };
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
    // They are among those that are not acknowledged, so that a full one delivers them all the same.
    if (this.#isFull) this.#blocked = false;
    this.#wakeup.notify();
  }

  /** The store has taken in acknowledgements of this subscription. */
  acknowledged(): void {
    this.#acknowledgements += 1;
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#blocked = false;
    this.#wakeup.notify();
  }

  offer(position: bigint): void {
    if (position <= this.#scannedTo) return;
    this.#offered.push(position);
    if (this.#offered.length > offeredMax) this.fallBehind();
    this.#wakeup.notify();
  }

  fallBehind(): void {
    if (!this.#isLive) return;
    this.#scannedTo = this.#doneTo();
    this.#isLive = false;
    this.#offered = [];
    this.#options.tail.leave(this);
    this.#wakeup.notify();
  }

  /**
   * What is to be recorded of how far it has come while nothing is delivered; undefined when nothing is. One that waits for
   * credit stops following the tail, since the store may keep no messages for it any more.
   */
  progress(): bigint | undefined {
    if (this.#blocked) this.fallBehind();
    if (!this.#isOpen || this.#closed || this.#isDelivering) return undefined;
    const doneTo = this.#doneTo();
    return doneTo > this.#recordedTo ? doneTo : undefined;
  }

  recorded(scannedTo: bigint): void {
    if (scannedTo > this.#recordedTo) this.#recordedTo = scannedTo;
  }

  close(): void {
    this.#closed = true;
    this.fallBehind();
    this.#wakeup.notify();
  }

  /** Runs until the feed is closed. @throws StaleEpochError when the owner lost the instance id meanwhile. */
  async run(): Promise<void> {
    const { store, owner, spec, room, onOpen } = this.#options;
    const start = await store.openSubscription(owner, spec);
    if (this.#closed) return;
    onOpen();
    this.#scannedTo = start.scannedTo;
    this.#recordedTo = start.scannedTo;
    this.#isOpen = true;
    this.retry(start.pending);
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
    const most = Math.min(batchMessages, await this.#unacknowledgedLeft());
    if (most === 0) return true;
    return this.#isLive ? await this.#deliverOffered(most) : await this.#catchUp(most);
  }

  /** How many more may be delivered and not acknowledged; with none left it waits for acknowledgements. */
  async #unacknowledgedLeft(): Promise<number> {
    const { store, owner, spec } = this.#options;
    if (!this.#isFull && this.#unacknowledgedMax >= limits.unacknowledgedMessages) {
      const acknowledgements = this.#acknowledgements;
      this.#unacknowledgedMax = await store.unacknowledged({ instanceId: owner.instanceId, name: spec.name });
      const isFull = this.#unacknowledgedMax >= limits.unacknowledgedMessages;
      // One that came meanwhile may not be in that number.
      this.#isFull = isFull && acknowledgements === this.#acknowledgements;
    }
    this.#blocked = this.#isFull;
    return Math.max(0, limits.unacknowledgedMessages - this.#unacknowledgedMax);
  }

  async #deliverOffered(most: number): Promise<boolean> {
    const batch: FedMessage[] = [];
    for (const position of this.#offered.slice(0, most)) {
      const message = this.#options.tail.get(position);
      if (!message || !this.#takeCredit(message)) break;
      batch.push({ message, maybeRedelivered: false, attempt: 1 });
    }
    this.#offered.splice(0, batch.length);
    this.#scannedTo = this.#doneTo();
    const [next] = this.#offered;
    if (next !== undefined && !this.#options.tail.get(next)) this.fallBehind();
    if (batch.length > 0) await this.#deliver(batch);
    return !this.#isLive || this.#offered.length > 0;
  }

  async #catchUp(most: number): Promise<true> {
    const { store, tail, spec } = this.#options;
    const limit = Math.min(most, Math.max(1, this.#credit.messages));
    const read = await store.readMatching(spec.pattern, this.#scannedTo, limit);
    if (read.missed > 0) await this.#passOver(read.missed);
    const batch: FedMessage[] = [];
    for (const message of read.messages) {
      if (!this.#takeCredit(message)) break;
      batch.push({ message, maybeRedelivered: false, attempt: 1 });
    }
    const blocking = read.messages[batch.length];
    this.#scannedTo = blocking ? blocking.position - 1n : read.scannedTo;
    // Before the delivery, which takes its time: what is published meanwhile is offered.
    if (!blocking && !this.#closed) {
      this.#isLive = true;
      if (!tail.join(this, this.#scannedTo, read.isAtEnd)) this.#isLive = false;
    }
    if (batch.length > 0) await this.#deliver(batch);
    return true;
  }

  /** Everything up to here does not match or was taken to be delivered. */
  #doneTo(): bigint {
    if (!this.#isLive) return this.#scannedTo;
    const [next] = this.#offered;
    const doneTo = next === undefined ? this.#options.tail.position : next - 1n;
    return doneTo > this.#scannedTo ? doneTo : this.#scannedTo;
  }

  /** Without its message a position can only be let go of; it is missed unless it has been acknowledged since. */
  async #letGo(position: bigint): Promise<void> {
    const { store, owner, spec, onMissed } = this.#options;
    const delivery = { positions: [position], scannedTo: this.#recordedTo };
    const due = await store.recordDelivery(owner, spec.name, delivery);
    await store.acknowledge(owner, spec.name, [position]);
    if (due.length > 0) onMissed(1);
  }

  async #passOver(missed: number): Promise<void> {
    this.#scannedTo += BigInt(missed);
    await this.#deliver([]);
    this.#options.onMissed(missed);
  }

  async #deliver(batch: readonly FedMessage[]): Promise<void> {
    const { store, owner, spec, deliver } = this.#options;
    const scannedTo = this.#scannedTo;
    if (this.#closed || (batch.length === 0 && scannedTo === this.#recordedTo)) return;
    const positions = batch.map(({ message }) => message.position);
    this.#isDelivering = true;
    const due = new Set(await store.recordDelivery(owner, spec.name, { positions, scannedTo }));
    this.#unacknowledgedMax += due.size;
    this.#isDelivering = false;
    this.recorded(scannedTo);
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
