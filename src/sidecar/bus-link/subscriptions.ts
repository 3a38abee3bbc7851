import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Delivery, SessionEvent, SubscribeSchema } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { RpcError } from '../../transport/status.ts';
import type { LinkPart } from './bus-link.ts';
import type { RequestInit } from './bus-session.ts';
import { endedStatus } from './ended-status.ts';
import { HandBacks } from './hand-backs.ts';

/** What a subscription asks of the bus, without what belongs to one session. */
export type SubscriptionRequest = Pick<
  MessageInitShape<typeof SubscribeSchema>,
  'startAt' | 'startTimeNs' | 'idleExpiryS' | 'maxAttempts' | 'deadLetterTopic'
> & { readonly name: string; readonly pattern: string };

export interface Credit {
  readonly messages: number;
  readonly bytes: number;
}

/** Who takes what a subscription brings. */
export interface SubscriptionSink {
  opened(): void;
  deliver(delivery: Delivery): void;
  acknowledged(positions: readonly bigint[]): void;
  ended(status: RpcError): void;
  /** What it has was handed back to the bus, and comes again. */
  handedBack?(): void;
}

interface InHand {
  readonly bytes: number;
  readonly attempt: number;
  /** What the sink said of it and the bus has not confirmed. */
  settled: 'no' | 'acknowledged' | 'failed';
}

/** One subscription that outlives the sessions with the bus: after a loss it is made again where it was. */
export class BusSubscription {
  readonly request: SubscriptionRequest;
  readonly #sink: SubscriptionSink;
  readonly #id: number;
  readonly #send: (message: RequestInit) => boolean;
  /** Handed to the sink, and neither confirmed as acknowledged nor delivered again after a failure. */
  readonly #inHand = new Map<bigint, InHand>();
  #credit: Credit;

  constructor(options: {
    id: number;
    request: SubscriptionRequest;
    credit: Credit;
    sink: SubscriptionSink;
    send: (message: RequestInit) => boolean;
  }) {
    this.#id = options.id;
    this.request = options.request;
    this.#credit = options.credit;
    this.#sink = options.sink;
    this.#send = options.send;
  }

  get name(): string {
    return this.request.name;
  }

  /** What the bus may still deliver, and how much the sink has not been confirmed to be done with. */
  get depth(): { readonly name: string; readonly credit: Credit; readonly inHand: number } {
    return { name: this.name, credit: this.#credit, inHand: this.#inHand.size };
  }

  /** Lets the bus deliver this much more. */
  addCredit(more: Credit): void {
    this.#credit = { messages: this.#credit.messages + more.messages, bytes: this.#credit.bytes + more.bytes };
    this.#send({ case: 'credit', value: { subscriptionId: this.#id, ...more } });
  }

  acknowledge(positions: readonly bigint[]): void {
    this.#settle(positions, 'acknowledged');
    this.#sendAcknowledge(positions);
  }

  /** The sink could not handle these: each counts as an attempt, and comes again or becomes a dead letter. */
  retry(positions: readonly bigint[]): void {
    this.#settle(positions, 'failed');
    this.#sendRetry(positions);
  }

  /**
   * (Re)makes the subscription on a new session, and says again what the session before may not have heard. What is in hand
   * is not delivered again.
   */
  open(): void {
    const { messages, bytes } = this.#credit;
    const value = {
      ...this.request,
      subscriptionId: this.#id,
      creditMessages: messages,
      creditBytes: Math.max(0, bytes),
      inHand: [...this.#inHand.keys()],
    };
    this.#send({ case: 'subscribe', value });
    this.#sendAcknowledge(this.#inHandAs('acknowledged'));
    this.#sendRetry(this.#inHandAs('failed'));
  }

  opened(): void {
    this.#sink.opened();
  }

  delivered(delivery: Delivery): void {
    const { position, creditBytes: bytes, attempt } = delivery;
    const held = this.#inHand.get(position);
    if (held && held.settled !== 'failed') {
      // It was on its way when the subscription was made again, so that the bus has used credit for it twice.
      this.#send({ case: 'credit', value: { subscriptionId: this.#id, messages: 1, bytes } });
      return;
    }
    this.#inHand.set(position, { bytes, attempt, settled: 'no' });
    this.#credit = { messages: this.#credit.messages - 1, bytes: this.#credit.bytes - bytes };
    this.#sink.deliver(delivery);
  }

  acknowledged(positions: readonly bigint[]): void {
    for (const position of positions) this.#inHand.delete(position);
    this.#sink.acknowledged(positions);
  }

  ended(status: RpcError): void {
    this.#sink.ended(status);
  }

  /** Lets go of what is in hand, for the bus to deliver again. */
  handBack(): void {
    this.#inHand.clear();
    this.#sink.handedBack?.();
  }

  /** Lets go of what is in hand, and returns what the sink has said nothing of. */
  letGo(): bigint[] {
    const unsettled = this.#inHandAs('no');
    this.#inHand.clear();
    return unsettled;
  }

  #settle(positions: readonly bigint[], settled: InHand['settled']): void {
    for (const position of positions) {
      const held = this.#inHand.get(position);
      if (held) held.settled = settled;
    }
  }

  #inHandAs(settled: InHand['settled']): bigint[] {
    return [...this.#inHand].filter(([, held]) => held.settled === settled).map(([position]) => position);
  }

  #sendAcknowledge(positions: readonly bigint[]): void {
    if (positions.length === 0) return;
    this.#send({ case: 'acknowledge', value: { subscriptionId: this.#id, positions: [...positions] } });
  }

  #sendRetry(positions: readonly bigint[]): void {
    const failed = positions.flatMap((position) => {
      const held = this.#inHand.get(position);
      return held ? [{ position, attempt: held.attempt }] : [];
    });
    if (failed.length > 0) this.#send({ case: 'retry', value: { subscriptionId: this.#id, failed } });
  }
}

/** Hears of messages, of any topic, that a subscription will never get: they were dropped before it came to them. */
type OnMissed = (subscription: SubscriptionRequest, count: number) => void;

/** Every subscription of this sidecar. */
export class BusSubscriptions implements LinkPart {
  readonly #send: (message: RequestInit) => boolean;
  readonly #onMissed: OnMissed;
  readonly #open = new Map<number, BusSubscription>();
  readonly #handBacks: HandBacks;
  #lastId = 0;
  #stopped = false;
  #handedBack = false;
  #leftBehind = false;

  constructor(options: { send: (message: RequestInit) => boolean; onMissed: OnMissed }) {
    this.#send = options.send;
    this.#onMissed = options.onMissed;
    this.#handBacks = new HandBacks(options.send);
  }

  get size(): number {
    return this.#open.size;
  }

  depths(): BusSubscription['depth'][] {
    return [...this.#open.values()].map((subscription) => subscription.depth);
  }

  hasName(name: string): boolean {
    return [...this.#open.values()].some((subscription) => subscription.name === name);
  }

  /**
   * Opens a subscription; an older one of the same name ends, since the newest stream of a plugin is the live one. `close`
   * hands back what is unsettled: in good order, or as an attempt that failed with the sink.
   */
  add(
    request: SubscriptionRequest,
    credit: Credit,
    sink: SubscriptionSink,
  ): { readonly subscription: BusSubscription; readonly close: (how: { inGoodOrder: boolean }) => void } {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#replace(request.name);
    const subscription = new BusSubscription({ id, request, credit, sink, send: this.#send });
    this.#open.set(id, subscription);
    subscription.open();
    const close = ({ inGoodOrder }: { inGoodOrder: boolean }): void => {
      if (!this.#open.delete(id)) return;
      const unsettled = subscription.letGo();
      this.#handBacks.add(id, { name: request.name, failed: inGoodOrder ? [] : unsettled });
    };
    return { subscription, close };
  }

  #replace(name: string): void {
    for (const [id, older] of this.#open) {
      if (older.name !== name) continue;
      this.#open.delete(id);
      this.#handBacks.add(id, { name, failed: older.letGo() });
      older.ended(new RpcError('ABORTED', `a newer stream opened the subscription ${name}`));
    }
  }

  /**
   * Hands back what every subscription has in hand, and resolves once the bus has stored that or cannot be reached. The
   * subscriptions are made again when the intake is resumed.
   */
  async handBack(): Promise<void> {
    this.stopIntake();
    this.#handedBack = true;
    this.#leftBehind = true;
    for (const [id, subscription] of this.#open) {
      subscription.handBack();
      this.#handBacks.add(id, { name: subscription.name, failed: [] });
    }
    await this.#handBacks.confirmed();
  }

  /** Hands nothing more to the plugin; what the bus still sends stays unacknowledged there and comes again later. */
  stopIntake(): void {
    this.#stopped = true;
  }

  /** Hands over again; what was left with the bus meanwhile is asked for anew. */
  resumeIntake(): void {
    this.#stopped = false;
    this.#handedBack = false;
    if (this.#leftBehind) this.#openAll();
  }

  onUp(): void {
    this.#handBacks.sendAll();
    if (!this.#handedBack) this.#openAll();
  }

  onDown(): void {
    this.#handBacks.down();
  }

  #openAll(): void {
    this.#leftBehind = false;
    for (const subscription of this.#open.values()) subscription.open();
  }

  onEvent(event: SessionEvent['event']): void {
    switch (event.case) {
      case 'subscribed':
        this.#open.get(event.value.subscriptionId)?.opened();
        break;
      case 'unsubscribed':
        this.#handBacks.confirm(event.value.subscriptionId);
        break;
      case 'delivery':
        if (this.#stopped) this.#leftBehind = true;
        else this.#open.get(event.value.subscriptionId)?.delivered(event.value);
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
