import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Delivery, SubscribeSchema } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { RpcError } from '../../transport/status.ts';
import type { RequestInit } from './bus-session.ts';

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
  /** Whether a message of this size can be taken; absent: always. One that cannot stays with the bus until it can. */
  hasRoom?(bytes: number): boolean;
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
  /** Between asking the bus for the subscription and its answer; what comes then was sent before it was asked. */
  #isOpening = false;
  /** The bytes of the message that was left with the bus for want of room. */
  #leftBytes: number | undefined;
  /** Made again because there is room, of which the sink need not know. */
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
    this.#leftBytes = undefined;
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

  /** Takes up what was left with the bus. */
  takeUp(): void {
    this.#isTakingUp = true;
    this.open();
  }

  /** The bytes of the message that waits at the bus for room; undefined when none does. */
  get leftBytes(): number | undefined {
    return this.#leftBytes;
  }

  hasRoom(bytes: number): boolean {
    return this.#sink.hasRoom?.(bytes) ?? true;
  }

  /** Hands a message on, or leaves it with the bus for want of room, and then all behind it, for the sake of their order. */
  delivered(delivery: Delivery): void {
    const { position, creditBytes: bytes, attempt } = delivery;
    if (this.#isOpening || this.#leftBytes !== undefined) return;
    if (!this.hasRoom(bytes)) {
      this.#leftBytes = bytes;
      return;
    }
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
