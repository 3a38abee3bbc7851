import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Delivery, SubscribeSchema } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { RpcError } from '../../transport/status.ts';
import type { RequestInit } from './bus-session.ts';

/** The request for a subscription, without what belongs to one session. */
export type SubscriptionRequest = Pick<
  MessageInitShape<typeof SubscribeSchema>,
  'startAt' | 'startTimeNs' | 'idleExpiryS' | 'maxAttempts' | 'deadLetterTopic'
> & { readonly name: string; readonly pattern: string };

export interface Credit {
  readonly messages: number;
  readonly bytes: number;
}

/** Receives the messages of a subscription. */
export interface SubscriptionSink {
  opened(): void;
  deliver(delivery: Delivery): void;
  acknowledged(positions: readonly bigint[]): void;
  ended(status: RpcError): void;
  /** Whether there is capacity for a message of this size; absent: always. Without capacity the message is deferred. */
  hasCapacity?(bytes: number): boolean;
  /** Its messages in flight were requeued, and will be redelivered. */
  handedBack?(): void;
}

interface InHand {
  readonly bytes: number;
  readonly attempt: number;
  /** The outcome that the sink reported and the bus has not confirmed. */
  settled: 'no' | 'acknowledged' | 'failed';
}

/** One subscription, which outlives sessions: after a loss it is reopened at its cursor. */
export class BusSubscription {
  readonly request: SubscriptionRequest;
  readonly #sink: SubscriptionSink;
  readonly #id: number;
  readonly #send: (message: RequestInit) => boolean;
  /** Delivered to the sink, and neither confirmed as acknowledged nor redelivered after a failure. */
  readonly #inHand = new Map<bigint, InHand>();
  /** True from Subscribe to Subscribed. Deliveries in between were sent before Subscribe arrived. */
  #isOpening = false;
  /** The size of the message that was deferred for lack of capacity. */
  #deferredBytes: number | undefined;
  /** Reopened because there is capacity again; the sink need not know. */
  #isTakingUp = false;
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

  get id(): number {
    return this.#id;
  }

  get name(): string {
    return this.request.name;
  }

  /** The outstanding credit, and the number of messages in flight or not yet confirmed. */
  get depth(): { readonly name: string; readonly credit: Credit; readonly inHand: number } {
    return { name: this.name, credit: this.#credit, inHand: this.#inHand.size };
  }

  addCredit(more: Credit): void {
    this.#credit = { messages: this.#credit.messages + more.messages, bytes: this.#credit.bytes + more.bytes };
    this.#send({ case: 'credit', value: { subscriptionId: this.#id, ...more } });
  }

  acknowledge(positions: readonly bigint[]): void {
    this.#settle(positions, 'acknowledged');
    this.#sendAcknowledge(positions);
  }

  /** Nacks messages that the sink could not handle. Each counts as an attempt, and is redelivered or becomes a dead letter. */
  retry(positions: readonly bigint[]): void {
    this.#settle(positions, 'failed');
    this.#sendRetry(positions);
  }

  /**
   * (Re)opens the subscription on a new session and resends unconfirmed acks and nacks. Messages in flight are not redelivered.
   */
  open(): void {
    const { messages, bytes } = this.#credit;
    this.#deferredBytes = undefined;
    const value = {
      ...this.request,
      subscriptionId: this.#id,
      creditMessages: messages,
      creditBytes: Math.max(0, bytes),
      inHand: [...this.#inHand.keys()],
    };
    this.#isOpening = this.#send({ case: 'subscribe', value });
    this.#sendAcknowledge(this.#inHandAs('acknowledged'));
    this.#sendRetry(this.#inHandAs('failed'));
  }

  opened(): void {
    this.#isOpening = false;
    if (!this.#isTakingUp) this.#sink.opened();
    this.#isTakingUp = false;
  }

  /** Reopens the subscription if a message was deferred. */
  resumeDeferred(): void {
    this.#isTakingUp = true;
    this.open();
  }

  /** The size of the deferred message; undefined when none is deferred. */
  get deferredBytes(): number | undefined {
    return this.#deferredBytes;
  }

  hasCapacity(bytes: number): boolean {
    return this.#sink.hasCapacity?.(bytes) ?? true;
  }

  /** Delivers the message or, without capacity, defers it and, to keep their order, all later ones. */
  delivered(delivery: Delivery): void {
    const { position, creditBytes: bytes, attempt } = delivery;
    if (this.#isOpening || this.#deferredBytes !== undefined) return;
    if (!this.hasCapacity(bytes)) {
      this.#deferredBytes = bytes;
      return;
    }
    const held = this.#inHand.get(position);
    if (held && held.settled !== 'failed') {
      // It was sent before the subscription was reopened, so the bus has used credit for it twice.
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

  /** Forgets the messages in flight, so that the bus redelivers them. */
  requeue(): void {
    this.#inHand.clear();
    this.#sink.handedBack?.();
  }

  /** Forgets the messages in flight, and returns those that the sink has not settled. */
  takeUnsettled(): bigint[] {
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
