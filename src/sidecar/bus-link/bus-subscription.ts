import type { MessageInitShape } from '../../contract/wire/codec/message.ts';
import type { Delivery, SubscribeSchema } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { RpcError } from '../../transport/status.ts';
import type { RequestInit } from './bus-session.ts';

/** The request for a subscription, without what belongs to one session. */
export type SubscriptionRequest = Pick<
  MessageInitShape<typeof SubscribeSchema>,
  'startAt' | 'startTimeNs' | 'idleExpiryS' | 'maxAttempts' | 'deadLetterTopic' | 'unordered'
> & { readonly name: string; readonly pattern: string; readonly group?: string };

export interface Credit {
  readonly messages: number;
  readonly bytes: number;
}

/** Receives the messages of a subscription. */
export interface SubscriptionSink {
  /** With the group that the bus has put it in; empty for none. */
  opened(group: string): void;
  deliver(delivery: Delivery): void;
  acknowledged(positions: readonly bigint[]): void;
  ended(status: RpcError): void;
  /** Whether there is capacity for a message of this size; absent: always. Without capacity the message is deferred. */
  hasCapacity?(bytes: number): boolean;
  /** Its messages in flight were requeued, and will be redelivered. */
  requeued?(): void;
}

interface InFlight {
  readonly bytes: number;
  readonly attempt: number;
  /** The outcome that the sink reported and the bus has not confirmed. */
  settled: 'no' | 'acknowledged' | 'failed';
}

/**
 * What becomes of a delivery.
 *
 * - `closed`: ignored. No session has this subscription.
 * - `opening`: ignored, because it was sent before Subscribe arrived. Subscribed ends this.
 * - `open`: goes to the sink.
 * - `deferring`: ignored, because an earlier message of `bytes` found no capacity and the order has to stay.
 */
type Phase =
  | { readonly name: 'closed' }
  | { readonly name: 'opening'; readonly isKnownToSink: boolean }
  | { readonly name: 'open' }
  | { readonly name: 'deferring'; readonly bytes: number };

/** One subscription, which outlives sessions: after a loss it is reopened at its cursor. */
export class BusSubscription {
  readonly request: SubscriptionRequest;
  readonly #sink: SubscriptionSink;
  readonly #id: number;
  readonly #send: (message: RequestInit) => boolean;
  /** Delivered to the sink, and neither confirmed as acknowledged nor redelivered after a failure. */
  readonly #inFlight = new Map<bigint, InFlight>();
  #phase: Phase = { name: 'closed' };
  readonly #credit: { messages: number; bytes: number };

  constructor(options: {
    id: number;
    request: SubscriptionRequest;
    credit: Credit;
    sink: SubscriptionSink;
    send: (message: RequestInit) => boolean;
  }) {
    this.#id = options.id;
    this.request = options.request;
    this.#credit = { ...options.credit };
    this.#sink = options.sink;
    this.#send = options.send;
  }

  get id(): number {
    return this.#id;
  }

  get name(): string {
    return this.request.name;
  }

  /** The outstanding credit, and the number of messages in flight or not yet confirmed. */
  get depth(): { readonly name: string; readonly credit: Credit; readonly inFlight: number } {
    return { name: this.name, credit: { ...this.#credit }, inFlight: this.#inFlight.size };
  }

  /** How many messages are in flight or not yet confirmed. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  addCredit(more: Credit): void {
    this.#credit.messages += more.messages;
    this.#credit.bytes += more.bytes;
    this.#send({ case: 'credit', value: { subscriptionId: this.#id, ...more } });
  }

  acknowledge(positions: readonly bigint[]): void {
    this.#settle(positions, 'acknowledged');
    this.#sendAcknowledge(positions);
  }

  /** Nacks messages that the sink could not handle. Each counts as an attempt, and is redelivered or becomes a dead letter. */
  nack(positions: readonly bigint[]): void {
    this.#settle(positions, 'failed');
    this.#sendNack(positions);
  }

  /**
   * (Re)opens the subscription on a new session and resends unconfirmed acks and nacks. Messages in flight are not redelivered.
   */
  open(): void {
    this.#open({ isKnownToSink: false });
  }

  /** Reopens the subscription, from the deferred message on. The sink is not told. */
  resumeDeferred(): void {
    this.#open({ isKnownToSink: true });
  }

  opened(group: string): void {
    const before = this.#phase;
    this.#phase = { name: 'open' };
    if (before.name !== 'opening' || !before.isKnownToSink) this.#sink.opened(group);
  }

  #open({ isKnownToSink }: { readonly isKnownToSink: boolean }): void {
    const { messages, bytes } = this.#credit;
    const value = {
      ...this.request,
      subscriptionId: this.#id,
      creditMessages: messages,
      creditBytes: Math.max(0, bytes),
      inHand: [...this.#inFlight.keys()],
    };
    const isSent = this.#send({ case: 'subscribe', value });
    this.#phase = isSent ? { name: 'opening', isKnownToSink } : { name: 'closed' };
    this.#sendAcknowledge(this.#inFlightAs('acknowledged'));
    this.#sendNack(this.#inFlightAs('failed'));
  }

  /** The size of the deferred message; undefined when none is deferred. */
  get deferredBytes(): number | undefined {
    return this.#phase.name === 'deferring' ? this.#phase.bytes : undefined;
  }

  hasCapacity(bytes: number): boolean {
    return this.#sink.hasCapacity?.(bytes) ?? true;
  }

  /** Delivers the message or, without capacity, defers it and, to keep their order, all later ones. */
  delivered(delivery: Delivery): void {
    const { position, creditBytes: bytes, attempt } = delivery;
    if (this.#phase.name !== 'open') return;
    if (!this.hasCapacity(bytes)) {
      this.#phase = { name: 'deferring', bytes };
      return;
    }
    const held = this.#inFlight.get(position);
    if (held && held.settled !== 'failed') {
      // It was sent before the subscription was reopened, so the bus has used credit for it twice.
      this.#send({ case: 'credit', value: { subscriptionId: this.#id, messages: 1, bytes } });
      return;
    }
    this.#inFlight.set(position, { bytes, attempt, settled: 'no' });
    this.#credit.messages -= 1;
    this.#credit.bytes -= bytes;
    this.#sink.deliver(delivery);
  }

  acknowledged(positions: readonly bigint[]): void {
    for (const position of positions) this.#inFlight.delete(position);
    this.#sink.acknowledged(positions);
  }

  ended(status: RpcError): void {
    this.#sink.ended(status);
  }

  /** Forgets the messages in flight, so that the bus redelivers them. */
  requeue(): void {
    this.#inFlight.clear();
    this.#sink.requeued?.();
  }

  /** Forgets the messages in flight, and returns those that the sink has not settled. */
  takeUnsettled(): bigint[] {
    const unsettled = this.#inFlightAs('no');
    this.#inFlight.clear();
    return unsettled;
  }

  #settle(positions: readonly bigint[], settled: InFlight['settled']): void {
    for (const position of positions) {
      const held = this.#inFlight.get(position);
      if (held) held.settled = settled;
    }
  }

  #inFlightAs(settled: InFlight['settled']): bigint[] {
    return [...this.#inFlight].filter(([, held]) => held.settled === settled).map(([position]) => position);
  }

  #sendAcknowledge(positions: readonly bigint[]): void {
    if (positions.length === 0) return;
    this.#send({ case: 'acknowledge', value: { subscriptionId: this.#id, positions: [...positions] } });
  }

  #sendNack(positions: readonly bigint[]): void {
    const failed = positions.flatMap((position) => {
      const held = this.#inFlight.get(position);
      return held ? [{ position, attempt: held.attempt }] : [];
    });
    if (failed.length > 0) this.#send({ case: 'retry', value: { subscriptionId: this.#id, failed } });
  }
}
