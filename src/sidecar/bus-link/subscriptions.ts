import type { Delivery, SessionEvent } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { RpcError } from '../../transport/status.ts';
import type { RequestInit } from './bus-session.ts';
import { BusSubscription, type Credit, type SubscriptionRequest, type SubscriptionSink } from './bus-subscription.ts';
import { endedStatus } from './ended-status.ts';
import { Requeues } from './requeues.ts';
import type { SessionListener } from './session-listener.ts';

/**
 * Whether the plugin is delivered messages.
 *
 * - `running`: yes.
 * - `stopped`: no, and the bus has sent none since.
 * - `behind`: no, and the bus has sent some. They stay unacknowledged there until the subscriptions are reopened.
 * - `requeued`: no, and the messages in flight were requeued. A new session opens no subscription.
 */
type Intake = 'running' | 'stopped' | 'behind' | 'requeued';

/** Receives the count of messages, of any topic, that were dropped before the subscription reached them. */
type OnMissed = (subscription: SubscriptionRequest, count: number) => void;

export class BusSubscriptions implements SessionListener {
  readonly #send: (message: RequestInit) => boolean;
  readonly #onMissed: OnMissed;
  readonly #open = new Map<number, BusSubscription>();
  readonly #requeues: Requeues;
  /** Subscriptions that deferred a message for lack of capacity, longest first. */
  readonly #deferred = new Set<BusSubscription>();
  #lastId = 0;
  #intake: Intake = 'running';

  constructor(options: { send: (message: RequestInit) => boolean; onMissed: OnMissed }) {
    this.#send = options.send;
    this.#onMissed = options.onMissed;
    this.#requeues = new Requeues(options.send);
  }

  get size(): number {
    return this.#open.size;
  }

  depths(): BusSubscription['depth'][] {
    return [...this.#open.values()].map((subscription) => subscription.depth);
  }

  /** The group that a subscription is in; empty when it is in none, or not open. */
  groupOf(name: string): string {
    return [...this.#open.values()].find((each) => each.name === name)?.request.group ?? '';
  }

  hasName(name: string): boolean {
    return [...this.#open.values()].some((subscription) => subscription.name === name);
  }

  /**
   * Opens a subscription. An older one of the same name ends, since the newest stream of a plugin is the live one. `close`
   * requeues messages in flight, or nacks them when the sink failed.
   */
  add(
    request: SubscriptionRequest,
    credit: Credit,
    sink: SubscriptionSink,
  ): { readonly subscription: BusSubscription; readonly close: (how: { isGraceful: boolean }) => void } {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#replace(request.name);
    const subscription = new BusSubscription({ id, request, credit, sink, send: this.#send });
    this.#open.set(id, subscription);
    subscription.open();
    const close = ({ isGraceful }: { isGraceful: boolean }): void => {
      if (!this.#open.delete(id)) return;
      const unsettled = subscription.takeUnsettled();
      this.#requeues.add(id, { ...request, failed: isGraceful ? [] : unsettled });
    };
    return { subscription, close };
  }

  #replace(name: string): void {
    for (const [id, older] of this.#open) {
      if (older.name !== name) continue;
      this.#open.delete(id);
      this.#requeues.add(id, { ...older.request, failed: older.takeUnsettled() });
      older.ended(new RpcError('ABORTED', `a newer stream opened the subscription ${name}`));
    }
  }

  /**
   * Requeues the messages in flight of every subscription. Resolves once the bus has stored that or is unreachable. The
   * subscriptions are reopened when the intake is resumed.
   */
  async requeue(): Promise<void> {
    this.#intake = 'requeued';
    for (const [id, subscription] of this.#open) {
      subscription.requeue();
      this.#requeues.add(id, { ...subscription.request, failed: [] });
    }
    await this.#requeues.confirmed();
  }

  /**
   * Delivers nothing more to the plugin. Messages that the bus still sends stay unacknowledged there and are redelivered later.
   */
  stopIntake(): void {
    if (this.#intake === 'running') this.#intake = 'stopped';
  }

  /** Delivers again, beginning with what was deferred meanwhile. */
  resumeIntake(): void {
    const before = this.#intake;
    this.#intake = 'running';
    if (before === 'behind' || before === 'requeued') this.#openAll();
  }

  /** Reopens subscriptions with deferred messages, as far as there is capacity. */
  resumeDeferred(): void {
    if (this.#intake !== 'running') return;
    let plannedBytes = 0;
    for (const subscription of this.#deferred) {
      const { deferredBytes } = subscription;
      plannedBytes += deferredBytes ?? 0;
      // First come, first served: smaller messages would starve the first.
      if (deferredBytes !== undefined && !subscription.hasCapacity(plannedBytes)) return;
      this.#deferred.delete(subscription);
      if (deferredBytes !== undefined && this.#isOpen(subscription)) subscription.resumeDeferred();
    }
  }

  onSessionOpen(): void {
    this.#requeues.sendAll();
    if (this.#intake === 'requeued') return;
    if (this.#intake === 'behind') this.#intake = 'stopped';
    this.#openAll();
  }

  onSessionLost(): void {
    this.#requeues.down();
  }

  #deliver(delivery: Delivery): void {
    if (this.#intake !== 'running') {
      if (this.#intake === 'stopped') this.#intake = 'behind';
      return;
    }
    const subscription = this.#open.get(delivery.subscriptionId);
    subscription?.delivered(delivery);
    if (subscription?.deferredBytes !== undefined) this.#deferred.add(subscription);
  }

  #isOpen(subscription: BusSubscription): boolean {
    return this.#open.get(subscription.id) === subscription;
  }

  #openAll(): void {
    for (const subscription of this.#open.values()) subscription.open();
  }

  onEvent(event: SessionEvent['event']): void {
    switch (event.case) {
      case 'subscribed':
        this.#open.get(event.value.subscriptionId)?.opened(event.value.group);
        break;
      case 'unsubscribed':
        this.#requeues.confirm(event.value.subscriptionId);
        break;
      case 'delivery':
        this.#deliver(event.value);
        break;
      case 'missed': {
        const subscription = this.#open.get(event.value.subscriptionId);
        if (subscription) this.#onMissed(subscription.request, Number(event.value.count));
        break;
      }
      case 'acknowledged':
        this.#open.get(event.value.subscriptionId)?.acknowledged(event.value.positions);
        break;
      case 'subscriptionEnded': {
        const { subscriptionId, reason, detail } = event.value;
        const subscription = this.#open.get(subscriptionId);
        this.#open.delete(subscriptionId);
        subscription?.ended(endedStatus(reason, detail));
        break;
      }
      default:
        break;
    }
  }
}
