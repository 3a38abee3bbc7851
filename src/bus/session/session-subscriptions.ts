import { Gate } from '../../base/async/gate.ts';
import type { Log } from '../../base/log/log.ts';
import type { MessageInitShape } from '../../contract/wire/codec/message.ts';
import { lengthFault } from '../../contract/wire/field-limits/length-fault.ts';
import {
  type DeliverySchema,
  EndReason,
  StartAt,
  type Subscribe,
  SubscribeSchema,
  type Unsubscribe,
  UnsubscribeSchema,
} from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { throwFault } from '../../transport/status.ts';
import type { Registration } from '../ownership/registration.ts';
import { overCount } from '../quotas/instance-quota.ts';
import {
  type FailedDelivery,
  StaleEpochError,
  type Store,
  type StoredMessage,
  StoreFullError,
  type SubscriptionSpec,
  TooManySubscriptionsError,
} from '../store/store.ts';
import type { BusTelemetry } from '../telemetry.ts';
import { DeadLetters, deadLetterRefusal } from './dead-letters.ts';
import type { LogTail } from './log-tail.ts';
import { lengthRefusal, lossOf, type PatternRefusal, patternRefusal, quotaRefusal } from './pattern-refusal.ts';
import { type FedMessage, SubscriptionFeed } from './subscription-feed.ts';

/** Acks, nacks and requeues of one session that may wait for the store. At the limit the bus stops reading the session. */
const unsettledMax = 1_024;

export interface SessionSubscriptionsOptions {
  readonly registration: Registration;
  readonly store: Store;
  readonly tail: LogTail;
  readonly log: Log;
  readonly telemetry: BusTelemetry;
  readonly wallTimeNs: () => bigint;
  readonly subscribed: (subscriptionId: number) => void;
  /** The subscription has ended, and its deliveries in flight are requeued. */
  readonly unsubscribed: (subscriptionId: number) => void;
  readonly ended: (subscriptionId: number, refusal: PatternRefusal) => void;
  /** The store failed. */
  readonly onFailure: (error: unknown) => void;
  readonly missed: (subscriptionId: number, count: number) => void;
  readonly acknowledged: (subscriptionId: number, positions: readonly bigint[]) => void;
  /** Resolves when there is capacity for a delivery. Undefined if there is capacity now. */
  readonly room: () => Promise<void> | undefined;
  readonly deliver: (message: StoredMessage, delivery: MessageInitShape<typeof DeliverySchema>) => void;
}

/** The subscriptions of one session. They wait until the session is the only owner of its instance id. */
export class SessionSubscriptions {
  readonly #options: SessionSubscriptionsOptions;
  readonly #feeds = new Map<number, SubscriptionFeed>();
  readonly #waiting = new Map<number, Subscribe>();
  readonly #room = new Gate(true);
  #unsettled = 0;
  #delivering = false;

  constructor(options: SessionSubscriptionsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#delivering = true;
    this.#options.tail.addFollower(this);
    for (const subscribe of this.#waiting.values()) this.#open(subscribe);
    this.#waiting.clear();
  }

  /** Delivers nothing more. Earlier deliveries may still be acked. */
  stop(): void {
    this.#delivering = false;
    this.#options.tail.removeFollower(this);
    this.recordProgress().catch((error: unknown) => this.#options.onFailure(error));
    for (const feed of this.#feeds.values()) feed.close();
  }

  get size(): number {
    return this.#feeds.size + this.#waiting.size;
  }

  isUsing(name: string): boolean {
    for (const { spec } of this.#feeds.values()) if (spec.name === name) return true;
    for (const waiting of this.#waiting.values()) if (waiting.name === name) return true;
    return false;
  }

  /** Records the progress of subscriptions without recent deliveries, in one write for all of them. */
  async recordProgress(): Promise<void> {
    const { store, registration } = this.#options;
    const byPosition = Map.groupBy(this.#feeds.values(), (feed) => feed.progress());
    const writes = [...byPosition].map(async ([position, feeds]) => {
      if (position === undefined) return;
      try {
        await store.recordProgress(
          registration.owner,
          feeds.map(({ spec }) => spec.name),
          position,
        );
        for (const feed of feeds) feed.recorded(position);
      } catch (error) {
        // Publishes already report a full store.
        if (!(error instanceof StaleEpochError || error instanceof StoreFullError)) throw error;
      }
    });
    await Promise.all(writes);
  }

  add(subscribe: Subscribe): void {
    const { registration, ended } = this.#options;
    // A subscription that is opened again takes its own place in the quota.
    const isKnown = this.#feeds.has(subscribe.subscriptionId) || this.#waiting.has(subscribe.subscriptionId);
    const open = this.size - Number(isKnown);
    const refusal =
      lengthRefusal(SubscribeSchema, subscribe) ??
      patternRefusal(registration, subscribe.pattern) ??
      deadLetterRefusal(registration, subscribe) ??
      quotaRefusal(registration, 'subscriptions', open);
    if (refusal) ended(subscribe.subscriptionId, refusal);
    else if (this.#delivering) this.#open(subscribe);
    else this.#waiting.set(subscribe.subscriptionId, subscribe);
  }

  /** Ends subscriptions that are no longer allowed. */
  endUngranted(cause: string): void {
    const open = [...this.#feeds].map(([id, { spec }]) => ({ id, pattern: spec.pattern }));
    const waiting = [...this.#waiting].map(([id, { pattern }]) => ({ id, pattern }));
    for (const { id, pattern } of [...open, ...waiting]) {
      const loss = lossOf(this.#options.registration, pattern, cause);
      if (!loss) continue;
      this.#close(id);
      this.#options.ended(id, loss);
    }
  }

  /**
   * Ends a subscription and requeues its deliveries, also if an earlier session opened it.
   * @throws RpcError if a field is over its limit, since the request has no answer that could report it
   */
  remove(unsubscribe: Unsubscribe): void {
    throwFault(lengthFault(UnsubscribeSchema, unsubscribe));
    const { subscriptionId, name, failed } = unsubscribe;
    const { store, registration, unsubscribed } = this.#options;
    this.#close(subscriptionId);
    void this.#taken(store.requeue(registration.owner, name, failed), () => unsubscribed(subscriptionId));
  }

  /** Nacks these deliveries: each is redelivered or becomes a dead letter. */
  nack(subscriptionId: number, failed: readonly FailedDelivery[]): void {
    const { store, registration } = this.#options;
    const name = this.#nameOf(subscriptionId);
    if (name === undefined) return;
    const nacked = store.nack(registration.owner, name, failed);
    void this.#taken(nacked, (attempts) => this.#feeds.get(subscriptionId)?.nack(attempts));
  }

  addCredit(subscriptionId: number, more: { messages: number; bytes: number }): void {
    this.#feeds.get(subscriptionId)?.addCredit(more);
  }

  acknowledge(subscriptionId: number, positions: readonly bigint[]): void {
    const { store, registration, acknowledged } = this.#options;
    const name = this.#nameOf(subscriptionId);
    if (name === undefined) return;
    const stored = store.acknowledge(registration.owner, name, positions);
    void this.#taken(stored, () => {
      acknowledged(subscriptionId, positions);
      this.#feeds.get(subscriptionId)?.acknowledged();
    });
  }

  /** A state was saved that also acked positions of the subscriptions with these names. */
  acknowledgedBeside(names: readonly string[]): void {
    for (const feed of this.#feeds.values()) if (names.includes(feed.spec.name)) feed.acknowledged();
  }

  /** True when the most acks, nacks and requeues wait for the store. */
  get isFull(): boolean {
    return this.#unsettled >= unsettledMax;
  }

  /** Resolves when there is capacity for more acks. */
  room(): Promise<void> {
    return this.#room.opened();
  }

  /** A draining session gets no deliveries but may still ack or nack earlier ones. */
  #nameOf(subscriptionId: number): string | undefined {
    return this.#feeds.get(subscriptionId)?.spec.name ?? this.#waiting.get(subscriptionId)?.name;
  }

  async #taken<T>(write: Promise<T>, then: (done: T) => void): Promise<void> {
    this.#unsettled += 1;
    this.#room.set(!this.isFull);
    try {
      then(await write);
    } catch (error) {
      if (!(error instanceof StaleEpochError)) this.#options.onFailure(error);
    }
    this.#unsettled -= 1;
    this.#room.set(!this.isFull);
  }

  #close(subscriptionId: number): void {
    this.#waiting.delete(subscriptionId);
    this.recordProgress().catch((error: unknown) => this.#options.onFailure(error));
    this.#feeds.get(subscriptionId)?.close();
    this.#feeds.delete(subscriptionId);
  }

  /** The store's refusal of one more name. */
  #refuse(subscriptionId: number, feed: SubscriptionFeed, { counts }: TooManySubscriptionsError): void {
    if (this.#feeds.get(subscriptionId) !== feed) return;
    this.#feeds.delete(subscriptionId);
    const detail = overCount('stored_subscriptions', { count: counts.stored, limit: counts.limit });
    this.#options.ended(subscriptionId, { reason: EndReason.LIMIT, detail });
  }

  #open(subscribe: Subscribe): void {
    const { store, tail, registration, log, room, deliver, subscribed, acknowledged, missed } = this.#options;
    const { subscriptionId, name } = subscribe;
    const deadLetters = new DeadLetters({
      ...this.#options,
      request: subscribe,
      onPutAway: (position) => {
        acknowledged(subscriptionId, [position]);
        feed.acknowledged();
      },
    });
    const send = ({ message, maybeRedelivered, attempt }: FedMessage): void => {
      // It may have ended while the delivery was recorded or waited.
      if (this.#feeds.get(subscriptionId) !== feed) return;
      const { position, envelope } = message;
      const creditBytes = envelope.bytes.length;
      deliver(message, { subscriptionId, position, envelope, maybeRedelivered, attempt, creditBytes });
    };
    const feed = new SubscriptionFeed({
      store,
      tail,
      owner: registration.owner,
      spec: { ...specOf(subscribe), storedMax: registration.quota.limits.stored_subscriptions },
      deadLetterIfExhausted: (failed) => deadLetters.deadLetterIfExhausted(failed),
      credit: { messages: subscribe.creditMessages, bytes: subscribe.creditBytes },
      room,
      deliver: (fed) => {
        const waiting = room();
        if (waiting) return waiting.then(() => send(fed));
        send(fed);
        return undefined;
      },
      onOpen: () => subscribed(subscriptionId),
      onMissed: (count) => {
        const { instanceId } = registration.owner;
        log.warn('a subscription missed messages that were no longer retained for it', {
          instance: instanceId,
          name,
          count,
        });
        missed(subscriptionId, count);
      },
    });
    this.#feeds.get(subscriptionId)?.close();
    this.#feeds.set(subscriptionId, feed);
    feed.run().catch((error: unknown) => {
      feed.close();
      if (error instanceof TooManySubscriptionsError) this.#refuse(subscriptionId, feed, error);
      else if (!(error instanceof StaleEpochError)) log.error(`subscription ended: ${String(error)}`, { name });
    });
  }
}

function specOf({ name, pattern, startAt, startTimeNs, idleExpiryS, inHand }: Subscribe): SubscriptionSpec {
  return {
    name,
    pattern,
    // Without a cursor nothing was acked, so starting after the last acked message means starting new.
    start: startAt === StartAt.TIME ? { kind: 'time', fromNs: startTimeNs } : { kind: 'new' },
    inHand,
    ...(idleExpiryS > 0 && { idleExpiryMs: idleExpiryS * 1_000 }),
  };
}
