import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Delivery, SessionEvent, SubscribeSchema } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { RpcError } from '../../transport/status.ts';
import type { LinkPart } from './bus-link.ts';
import type { RequestInit } from './bus-session.ts';
import { endedStatus } from './ended-status.ts';

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
}

/** One subscription that outlives the sessions with the bus: after a loss it is made again where it was. */
export class BusSubscription {
  readonly #request: SubscriptionRequest;
  readonly #sink: SubscriptionSink;
  readonly #id: number;
  readonly #send: (message: RequestInit) => boolean;
  /** Handed to the sink and not confirmed as acknowledged, with its size and whether the sink has acknowledged it. */
  readonly #inHand = new Map<bigint, { readonly bytes: number; acknowledged: boolean }>();
  #credit: Credit;

  constructor(options: {
    id: number;
    request: SubscriptionRequest;
    credit: Credit;
    sink: SubscriptionSink;
    send: (message: RequestInit) => boolean;
  }) {
    this.#id = options.id;
    this.#request = options.request;
    this.#credit = options.credit;
    this.#sink = options.sink;
    this.#send = options.send;
  }

  get name(): string {
    return this.#request.name;
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
    for (const position of positions) {
      const held = this.#inHand.get(position);
      if (held) held.acknowledged = true;
    }
    this.#sendAcknowledge(positions);
  }

  /** (Re)makes the subscription on a new session. The bus delivers again what is in hand, so that needs credit too. */
  open(): void {
    let { messages, bytes } = this.#credit;
    for (const held of this.#inHand.values()) {
      messages += 1;
      bytes += held.bytes;
    }
    const value = {
      ...this.#request,
      subscriptionId: this.#id,
      creditMessages: messages,
      creditBytes: Math.max(0, bytes),
    };
    this.#send({ case: 'subscribe', value });
  }

  opened(): void {
    this.#sink.opened();
  }

  delivered(delivery: Delivery): void {
    const bytes = delivery.creditBytes;
    const held = this.#inHand.get(delivery.position);
    if (held) {
      // The bus repeats after a lost session what the sink still has; only an acknowledgement that got lost is news.
      if (held.acknowledged) this.#sendAcknowledge([delivery.position]);
      return;
    }
    this.#inHand.set(delivery.position, { bytes, acknowledged: false });
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

  #sendAcknowledge(positions: readonly bigint[]): void {
    this.#send({ case: 'acknowledge', value: { subscriptionId: this.#id, positions: [...positions] } });
  }
}

/** Every subscription of this sidecar. */
export class BusSubscriptions implements LinkPart {
  readonly #send: (message: RequestInit) => boolean;
  readonly #open = new Map<number, BusSubscription>();
  #lastId = 0;
  #stopped = false;
  #leftBehind = false;

  constructor(options: { send: (message: RequestInit) => boolean }) {
    this.#send = options.send;
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

  /** Opens a subscription; an older one of the same name ends, since the newest stream of a plugin is the live one. */
  add(
    request: SubscriptionRequest,
    credit: Credit,
    sink: SubscriptionSink,
  ): { readonly subscription: BusSubscription; readonly close: () => void } {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#replace(request.name);
    const subscription = new BusSubscription({ id, request, credit, sink, send: this.#send });
    this.#open.set(id, subscription);
    subscription.open();
    const close = (): void => {
      if (this.#open.delete(id)) this.#send({ case: 'unsubscribe', value: { subscriptionId: id } });
    };
    return { subscription, close };
  }

  #replace(name: string): void {
    for (const [id, older] of this.#open) {
      if (older.name !== name) continue;
      this.#open.delete(id);
      this.#send({ case: 'unsubscribe', value: { subscriptionId: id } });
      older.ended(new RpcError('ABORTED', `a newer stream opened the subscription ${name}`));
    }
  }

  /** Hands nothing more to the plugin; what the bus still sends stays unacknowledged there and comes again later. */
  stopIntake(): void {
    this.#stopped = true;
  }

  /** Hands over again; what was left with the bus meanwhile is asked for anew. */
  resumeIntake(): void {
    this.#stopped = false;
    if (this.#leftBehind) this.onUp();
  }

  onUp(): void {
    this.#leftBehind = false;
    for (const subscription of this.#open.values()) subscription.open();
  }

  onEvent(event: SessionEvent['event']): void {
    switch (event.case) {
      case 'subscribed':
        this.#open.get(event.value.subscriptionId)?.opened();
        break;
      case 'delivery':
        if (this.#stopped) this.#leftBehind = true;
        else this.#open.get(event.value.subscriptionId)?.delivered(event.value);
        break;
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
