import { Gate } from '../../base/async/gate.ts';
import type { MessageInitShape } from '../../contract/wire/codec/message.ts';
import { lengthFault } from '../../contract/wire/field-limits/length-fault.ts';
import {
  type DeliverySchema,
  EndReason,
  type Subscribe,
  SubscribeSchema,
  type SubscriptionPositions,
  type Unsubscribe,
  UnsubscribeSchema,
} from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { throwFault } from '../../transport/status.ts';
import { overCount } from '../quotas/instance-quota.ts';
import type { FailedDelivery } from '../store/deliveries.ts';
import { StaleEpochError, type StoredMessage, StoreFullError, TooManySubscriptionsError } from '../store/store.ts';
import { keeperOf } from '../store/subscription-key.ts';
import { deadLetterRefusal } from './dead-letters.ts';
import type { Feed, StoredUnder } from './feed.ts';
import { type FeedParts, feedFor, storedUnder } from './feed-for.ts';
import {
  groupRefusal,
  lengthRefusal,
  lossOf,
  type PatternRefusal,
  patternRefusal,
  quotaRefusal,
} from './pattern-refusal.ts';
import type { FedMessage } from './subscription-feed.ts';

/** Acks, nacks and requeues of one session that may wait for the store. At the limit the bus stops reading the session. */
const unsettledMax = 1_024;

export interface SessionSubscriptionsOptions extends FeedParts {
  /** The subscription has ended, and its deliveries in flight are requeued. */
  readonly unsubscribed: (subscriptionId: number) => void;
  readonly ended: (subscriptionId: number, refusal: PatternRefusal) => void;
  /** The store failed. */
  readonly onFailure: (error: unknown) => void;
  readonly acknowledged: (subscriptionId: number, positions: readonly bigint[]) => void;
  readonly deliver: (
    message: StoredMessage,
    delivery: MessageInitShape<typeof DeliverySchema>,
    subscription: StoredUnder,
  ) => void;
}

interface OpenFeed {
  readonly subscribe: Subscribe;
  readonly feed: Feed;
}

/** The subscriptions of one session. They wait until the session is the only owner of its instance id. */
export class SessionSubscriptions {
  readonly #options: SessionSubscriptionsOptions;
  readonly #feeds = new Map<number, OpenFeed>();
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
    for (const { feed } of this.#feeds.values()) feed.close();
  }

  get size(): number {
    return this.#feeds.size + this.#waiting.size;
  }

  isUsing(name: string): boolean {
    return this.#subscribes().some((each) => each.group === '' && each.name === name);
  }

  /** Records the progress of subscriptions without recent deliveries, in one write for all of them. */
  async recordProgress(): Promise<void> {
    const { store, registration } = this.#options;
    const feeds = [...this.#feeds.values()].map(({ feed }) => feed);
    const byPosition = Map.groupBy(feeds, (feed) => feed.progress());
    const writes = [...byPosition].map(async ([position, feeds]) => {
      if (position === undefined) return;
      try {
        await store.recordProgress(
          registration.owner,
          feeds.map(({ storedUnder }) => storedUnder.name),
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
      groupRefusal(subscribe, this.#subscribes()) ??
      quotaRefusal(registration, 'subscriptions', open);
    if (refusal) ended(subscribe.subscriptionId, refusal);
    else if (this.#delivering) this.#open(subscribe);
    else this.#waiting.set(subscribe.subscriptionId, subscribe);
  }

  /** Ends subscriptions that are no longer allowed. */
  endUngranted(cause: string): void {
    for (const subscribe of this.#subscribes()) {
      const { subscriptionId, pattern } = subscribe;
      const loss = lossOf(this.#options.registration, pattern, cause);
      if (!loss) continue;
      this.#close(subscriptionId);
      this.#options.ended(subscriptionId, loss);
      // The other members of a group go on with what this one had.
      if (subscribe.group !== '') void this.#taken(this.#requeue({ ...subscribe, failed: [] }), () => {});
    }
  }

  /**
   * Ends a subscription and requeues its deliveries, also if an earlier session opened it.
   * @throws RpcError if a field is over its limit, since the request has no answer that could report it
   */
  remove(unsubscribe: Unsubscribe): void {
    throwFault(lengthFault(UnsubscribeSchema, unsubscribe));
    const { subscriptionId } = unsubscribe;
    this.#close(subscriptionId);
    void this.#taken(this.#requeue(unsubscribe), () => this.#options.unsubscribed(subscriptionId));
  }

  /** Nacks these deliveries: each is redelivered or becomes a dead letter. */
  nack(subscriptionId: number, failed: readonly FailedDelivery[]): void {
    const stored = this.#storedUnder(subscriptionId);
    if (!stored) return;
    const nacked = this.#options.store.nack(stored.writer, stored.name, failed);
    void this.#taken(nacked, (again) => this.#feeds.get(subscriptionId)?.feed.nacked(failed, again));
  }

  addCredit(subscriptionId: number, more: { messages: number; bytes: number }): void {
    this.#feeds.get(subscriptionId)?.feed.addCredit(more);
  }

  acknowledge(subscriptionId: number, positions: readonly bigint[]): void {
    const stored = this.#storedUnder(subscriptionId);
    if (!stored) return;
    const acknowledging = this.#options.store.acknowledge(stored.writer, stored.name, positions);
    void this.#taken(acknowledging, () => {
      this.#options.acknowledged(subscriptionId, positions);
      this.#feeds.get(subscriptionId)?.feed.acknowledged(positions);
    });
  }

  /** A state was saved that also acked these positions. */
  acknowledgedBeside(acknowledged: readonly SubscriptionPositions[]): void {
    for (const { subscribe, feed } of this.#feeds.values()) {
      for (const { name, group, positions } of acknowledged) {
        if (name === subscribe.name && group === subscribe.group) feed.acknowledged(positions);
      }
    }
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
  #storedUnder(subscriptionId: number): StoredUnder | undefined {
    const subscribe = this.#feeds.get(subscriptionId)?.subscribe ?? this.#waiting.get(subscriptionId);
    return subscribe && storedUnder(this.#options.registration, subscribe);
  }

  /** All that are open or wait. */
  #subscribes(): Subscribe[] {
    return [...[...this.#feeds.values()].map(({ subscribe }) => subscribe), ...this.#waiting.values()];
  }

  async #requeue(ended: Pick<Unsubscribe, 'name' | 'group' | 'failed'>): Promise<void> {
    const { store, registration, groups } = this.#options;
    const { writer, name } = storedUnder(registration, ended);
    await store.requeue(writer, name, ended.failed);
    if (ended.group !== '') groups.requeued({ instanceId: keeperOf(writer), name }, writer.instanceId, ended.failed);
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
    this.#feeds.get(subscriptionId)?.feed.close();
    this.#feeds.delete(subscriptionId);
  }

  /** The store's refusal of one more name. */
  #refuse(subscriptionId: number, feed: Feed, { counts }: TooManySubscriptionsError): void {
    if (this.#feeds.get(subscriptionId)?.feed !== feed) return;
    this.#feeds.delete(subscriptionId);
    const detail = overCount('stored_subscriptions', { count: counts.stored, limit: counts.limit });
    this.#options.ended(subscriptionId, { reason: EndReason.LIMIT, detail });
  }

  #open(subscribe: Subscribe): void {
    const { subscriptionId } = subscribe;
    const made = feedFor(subscribe, {
      ...this.#options,
      send: (fed) => this.#send(subscribe, fed),
      onPutAway: (position) => {
        this.#options.acknowledged(subscriptionId, [position]);
        this.#feeds.get(subscriptionId)?.feed.acknowledged([position]);
      },
    });
    this.#feeds.get(subscriptionId)?.feed.close();
    if ('refusal' in made) {
      this.#feeds.delete(subscriptionId);
      this.#options.ended(subscriptionId, { reason: EndReason.INVALID, detail: made.refusal });
    } else this.#run(subscribe, made.member);
  }

  #run(subscribe: Subscribe, feed: Feed): void {
    const { subscriptionId, name } = subscribe;
    this.#feeds.set(subscriptionId, { subscribe, feed });
    feed.run().catch((error: unknown) => {
      feed.close();
      if (error instanceof TooManySubscriptionsError) this.#refuse(subscriptionId, feed, error);
      else if (!(error instanceof StaleEpochError)) {
        this.#options.log.error(`subscription ended: ${String(error)}`, { name });
      }
    });
  }

  #send(subscribe: Subscribe, { message, maybeRedelivered, attempt }: FedMessage): void {
    const { subscriptionId } = subscribe;
    // It may have ended while the delivery was recorded or waited.
    const opened = this.#feeds.get(subscriptionId);
    if (opened?.subscribe !== subscribe) return;
    const { position, envelope } = message;
    const creditBytes = envelope.bytes.length;
    const delivery = { subscriptionId, position, envelope, maybeRedelivered, attempt, creditBytes };
    this.#options.deliver(message, delivery, opened.feed.storedUnder);
  }
}
