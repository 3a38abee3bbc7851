import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Log } from '../base/log.ts';
import {
  type Call,
  CallOutcome,
  EndReason,
  type Publish,
  type Serve,
  type SessionEvent,
  SessionEventSchema,
  type SessionRequest,
  StartAt,
  type Subscribe,
} from '../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { admits, admitsPattern } from '../contract/wire/grants.ts';
import { limits } from '../contract/wire/limits.ts';
import { patternFault, topicFault } from '../contract/wire/topic.ts';
import type { RpcStream } from '../transport/rpc.ts';
import type { RpcError } from '../transport/status.ts';
import { type CallBroker, type CallOutcomeReport, failed, type Responder } from './call-broker.ts';
import { grantsToWire } from '../contract/wire/grants-on-wire.ts';
import type { Registration } from './registration.ts';
import { StaleEpochError, type Store, StoreFullError } from './store.ts';
import { SubscriptionFeed } from './subscription-feed.ts';

/** While more than this waits to be sent, a subscription waits too. */
const sendBufferBytes = 1024 * 1024;

export interface SessionOptions {
  readonly registration: Registration;
  readonly stream: RpcStream<SessionRequest, SessionEvent>;
  readonly store: Store;
  readonly broker: CallBroker;
  readonly log: Log;
  readonly renewLease: () => number;
}

type EventInit = NonNullable<MessageInitShape<typeof SessionEventSchema>['event']>;

/** One sidecar's session: its publishes, subscriptions, calls and answers, each checked against its grants. */
export class Session {
  readonly #options: SessionOptions;
  readonly #feeds = new Map<number, SubscriptionFeed>();
  readonly #responders = new Map<number, Responder>();
  readonly #waiting: Subscribe[] = [];
  readonly #ended = Promise.withResolvers<never>();
  #delivering = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    // The rejection is for whoever races with it, which may be nobody.
    this.#ended.promise.catch(() => {});
  }

  /** Serves the stream until it is over or ended from here. */
  async run(requests: AsyncIterator<SessionRequest>): Promise<void> {
    const { registration } = this.#options;
    this.send({ case: 'opened', value: {} });
    this.send({
      case: 'grants',
      value: { granted: grantsToWire(registration.granted), denied: grantsToWire(registration.denied) },
    });
    try {
      for (;;) {
        const next = await Promise.race([requests.next(), this.#ended.promise]);
        if (next.done) return;
        await this.#handle(next.value.message);
      }
    } finally {
      this.stopDelivering();
    }
  }

  /** Ends the stream with this status; what it delivered and was not acknowledged is handed back. */
  end(reason: RpcError): void {
    this.#ended.reject(reason);
  }

  send(event: EventInit): void {
    this.#options.stream.write(create(SessionEventSchema, { event }));
  }

  /** Begins to serve the subscriptions: this registration owns the instance id and no older one drains. */
  startDelivering(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    for (const subscribe of this.#waiting.splice(0)) this.#openFeed(subscribe);
  }

  /** Ends subscriptions and answering; publishing and acknowledging go on. */
  stopDelivering(): void {
    this.#delivering = false;
    for (const feed of this.#feeds.values()) feed.close();
    for (const responder of this.#responders.values()) this.#options.broker.remove(responder);
    this.#responders.clear();
  }

  isUsing(subscriptionName: string): boolean {
    return [...this.#feeds.values()].some((feed) => feed.spec.name === subscriptionName);
  }

  async #handle(message: SessionRequest['message']): Promise<void> {
    switch (message.case) {
      case 'heartbeat':
        return this.send({
          case: 'leaseRenewed',
          value: { sequence: message.value.sequence, leaseMs: this.#options.renewLease() },
        });
      case 'publish':
        return this.#publish(message.value);
      case 'subscribe':
        return this.#subscribe(message.value);
      case 'unsubscribe':
        this.#feeds.get(message.value.subscriptionId)?.close();
        this.#feeds.delete(message.value.subscriptionId);
        return;
      case 'acknowledge':
        return this.#acknowledge(message.value.subscriptionId, message.value.positions);
      case 'credit':
        return this.#feeds.get(message.value.subscriptionId)?.addCredit(message.value);
      case 'call':
        return this.#call(message.value);
      case 'serve':
        return this.#serve(message.value);
      case 'unserve':
        return this.#unserve(message.value.serverId);
      case 'answer':
        return this.#options.broker.answer([...this.#responders.values()], message.value);
      case 'status': {
        const { state, detail } = message.value;
        return this.#options.log.info('sidecar reports', { instance: this.#instanceId, state, detail });
      }
      case 'open':
      case undefined:
        return;
    }
  }

  get #instanceId(): string {
    return this.#options.registration.owner.instanceId;
  }

  async #publish(publish: Publish): Promise<void> {
    const { store, registration } = this.#options;
    const { sequence, settledBelow, envelope } = publish;
    const refusal = this.#publishRefusal(publish);
    if (refusal !== undefined || !envelope) {
      return this.send({ case: 'publishResult', value: { sequence, refusalReason: refusal ?? 'the envelope is missing' } });
    }
    try {
      const [appended] = await store.append(registration.owner, [{ sequence, settledBelow, envelope }]);
      this.send({ case: 'publishResult', value: { sequence, accepted: true, ...appended } });
    } catch (error) {
      if (!(error instanceof StaleEpochError) && !(error instanceof StoreFullError)) throw error;
      this.send({ case: 'publishResult', value: { sequence, refusalReason: error.message } });
    }
  }

  #publishRefusal({ envelope }: Publish): string | undefined {
    const topic = envelope?.meta?.topic ?? '';
    const fault = topicFault(topic);
    if (fault !== undefined) return `"${topic}" is no topic: ${fault}`;
    if (envelope?.meta?.publisherInstanceId !== this.#instanceId) return 'the publisher is not this instance';
    if (envelope.payload.length > limits.payloadBytes) {
      return `payload of ${envelope.payload.length} bytes is over the limit of ${limits.payloadBytes}`;
    }
    return admits(this.#options.registration.granted, 'publish', topic)
      ? undefined
      : `the bus has no publish grant for ${topic}`;
  }

  #subscribe(subscribe: Subscribe): void {
    const { subscriptionId, pattern } = subscribe;
    const end = (reason: EndReason, detail: string): void =>
      this.send({ case: 'subscriptionEnded', value: { subscriptionId, reason, detail } });
    const fault = patternFault(pattern);
    if (fault !== undefined) return end(EndReason.INVALID, `"${pattern}" is no pattern: ${fault}`);
    if (!admitsPattern(this.#options.registration.granted, 'subscribe', pattern)) {
      return end(EndReason.NOT_GRANTED, `the bus has no subscribe grant that contains ${pattern}`);
    }
    if (this.#feeds.size + this.#waiting.length >= limits.subscriptions) {
      return end(EndReason.LIMIT, `there are ${limits.subscriptions} subscriptions already`);
    }
    if (this.#delivering) this.#openFeed(subscribe);
    else this.#waiting.push(subscribe);
  }

  #openFeed(subscribe: Subscribe): void {
    const { store, registration, stream, log } = this.#options;
    const { subscriptionId, name, pattern } = subscribe;
    const feed = new SubscriptionFeed({
      store,
      owner: registration.owner,
      spec: {
        name,
        pattern,
        start: subscribe.startAt === StartAt.TIME ? { kind: 'time', fromNs: subscribe.startTimeNs } : { kind: 'new' },
      },
      credit: { messages: subscribe.creditMessages, bytes: subscribe.creditBytes },
      deliver: async ({ message, maybeRedelivered, attempt }) => {
        const { position, envelope, bytes: creditBytes } = message;
        const delivery = { subscriptionId, position, envelope, maybeRedelivered, attempt, creditBytes };
        this.send({ case: 'delivery', value: delivery });
        if (stream.queuedBytes > sendBufferBytes) await stream.drained(sendBufferBytes / 2);
      },
      onOpen: () => this.send({ case: 'subscribed', value: { subscriptionId } }),
    });
    this.#feeds.get(subscriptionId)?.close();
    this.#feeds.set(subscriptionId, feed);
    feed.run().catch((error: unknown) => {
      if (!(error instanceof StaleEpochError)) log.error(`subscription ended: ${String(error)}`, { name });
      feed.close();
    });
  }

  async #acknowledge(subscriptionId: number, positions: readonly bigint[]): Promise<void> {
    const feed = this.#feeds.get(subscriptionId);
    if (!feed) return;
    try {
      await this.#options.store.acknowledge(this.#options.registration.owner, feed.spec.name, positions);
    } catch (error) {
      if (error instanceof StaleEpochError) return;
      throw error;
    }
    this.send({ case: 'acknowledged', value: { subscriptionId, positions: [...positions] } });
  }

  #call({ callId, envelope, timeoutMs }: Call): void {
    const report = (result: CallOutcomeReport): void => this.send({ case: 'callResult', value: { callId, ...result } });
    const topic = envelope?.meta?.topic ?? '';
    const fault = topicFault(topic);
    if (!envelope || fault !== undefined) return report(failed(CallOutcome.REFUSED, `"${topic}" is no topic: ${fault}`));
    if (!admits(this.#options.registration.granted, 'publish', topic)) {
      return report(failed(CallOutcome.REFUSED, `the bus has no publish grant for ${topic}`));
    }
    this.#options.broker.call({ envelope, timeoutMs: Math.min(timeoutMs, limits.callTimeoutMsMax) }, report);
  }

  #serve({ serverId, pattern }: Serve): void {
    const fault = patternFault(pattern);
    const granted = fault === undefined && admitsPattern(this.#options.registration.granted, 'subscribe', pattern);
    if (!granted) {
      const reason = fault === undefined ? EndReason.NOT_GRANTED : EndReason.INVALID;
      const detail = fault ?? `the bus has no subscribe grant that contains ${pattern}`;
      return this.send({ case: 'servingEnded', value: { serverId, reason, detail } });
    }
    this.#unserve(serverId);
    const responder: Responder = {
      pattern,
      isReady: () => this.#delivering,
      request: (request) => this.send({ case: 'request', value: { serverId, ...request } }),
    };
    this.#responders.set(serverId, responder);
    this.#options.broker.add(responder);
    this.send({ case: 'serving', value: { serverId } });
  }

  #unserve(serverId: number): void {
    const responder = this.#responders.get(serverId);
    if (!responder) return;
    this.#responders.delete(serverId);
    this.#options.broker.remove(responder);
  }
}
