import { Wakeup } from '../base/wakeup.ts';
import { matchTopic } from '../contract/wire/topic.ts';
import type { Owner, Store, StoredMessage, SubscriptionPosition, SubscriptionSpec } from './store.ts';

const readBatch = 64;

export interface FedMessage {
  readonly message: StoredMessage;
  readonly maybeRedelivered: boolean;
  readonly attempt: number;
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
}

/**
 * Feeds one subscription of one session: first what was delivered before and not acknowledged, in its order and marked,
 * then everything newer, as far as the credit goes.
 */
export class SubscriptionFeed {
  readonly spec: SubscriptionSpec;
  readonly #options: FeedOptions;
  readonly #wakeup = new Wakeup();
  readonly #stopListening: () => void;
  #credit: { messages: number; bytes: number };
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
    this.#wakeup.notify();
  }

  close(): void {
    this.#closed = true;
    this.#stopListening();
    this.#wakeup.notify();
  }

  /** Runs until the feed is closed. @throws StaleEpochError when the owner lost the instance id meanwhile. */
  async run(): Promise<void> {
    const { store, owner, spec } = this.#options;
    const start = await store.openSubscription(owner, spec);
    this.#options.onOpen();
    await this.#redeliver(start);
    let scannedTo = start.scannedTo;
    let recordedTo = scannedTo;
    while (!this.#closed) {
      const batch = await store.read(scannedTo, readBatch);
      for (const message of batch) {
        if (matchTopic(spec.pattern, topicOf(message))) {
          if (!(await this.#takeCredit(message))) return;
          await store.recordDelivery(owner, spec.name, { positions: [message.position], scannedTo: message.position });
          recordedTo = message.position;
          await this.#options.deliver({ message, maybeRedelivered: false, attempt: 1 });
        }
        scannedTo = message.position;
      }
      if (batch.length > 0) continue;
      if (scannedTo > recordedTo) {
        // Without this a subscription that nothing matches would hold on to every message of the log.
        await store.recordDelivery(owner, spec.name, { positions: [], scannedTo });
        recordedTo = scannedTo;
      }
      await this.#wakeup.wait();
    }
  }

  async #redeliver(start: SubscriptionPosition): Promise<void> {
    const { store, owner, spec } = this.#options;
    for (const [position, attempts] of start.pending) {
      const message = await store.get(position);
      if (!message) {
        // Without its message a position can only be let go of.
        await store.acknowledge(owner, spec.name, [position]);
        continue;
      }
      if (!(await this.#takeCredit(message))) return;
      await store.recordDelivery(owner, spec.name, { positions: [position], scannedTo: start.scannedTo });
      await this.#options.deliver({ message, maybeRedelivered: true, attempt: attempts + 1 });
    }
  }

  /** Waits for credit and takes it; false when the feed was closed meanwhile. */
  async #takeCredit(message: StoredMessage): Promise<boolean> {
    while (!this.#closed && (this.#credit.messages <= 0 || this.#credit.bytes <= 0)) await this.#wakeup.wait();
    if (this.#closed) return false;
    this.#credit.messages -= 1;
    this.#credit.bytes -= message.bytes;
    return true;
  }
}

function topicOf(message: StoredMessage): string {
  return message.envelope.meta?.topic ?? '';
}
