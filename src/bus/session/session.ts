import { InterruptibleIterable } from '../../base/async/interruptible-iterable.ts';
import { forEachReady, type ReadyIterator } from '../../base/async/ready-iterator.ts';
import type { Log } from '../../base/log/log.ts';
import { callEndingOf } from '../../contract/wire/call-ending.ts';
import { lengthFault } from '../../contract/wire/field-limits/length-fault.ts';
import {
  type Call,
  CallOutcome,
  type Publish,
  type Serve,
  ServeSchema,
  type SessionEvent,
  type SessionRequest,
  StatusReportSchema,
} from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { limits } from '../../contract/wire/limits.ts';
import { callMessageId, publishId } from '../../contract/wire/message-id.ts';
import { grantsToWire } from '../../contract/wire/topics/grants-on-wire.ts';
import type { RpcStream } from '../../transport/rpc.ts';
import { RpcError, throwFault } from '../../transport/status.ts';
import { receiveEnvelope } from '../envelope/received-envelope.ts';
import type { Groups } from '../groups/groups.ts';
import { type SessionEventInit, SessionOutflow } from '../outflow/session-outflow.ts';
import type { Drain, RegisteredSession, Registration } from '../ownership/registration.ts';
import type { Store } from '../store/store.ts';
import { type BusTelemetry, storedOutcomeOf } from '../telemetry.ts';
import { type CallBroker, type CallOutcomeReport, failed, type Responder } from './call-broker.ts';
import type { LogTail } from './log-tail.ts';
import { lengthRefusal, lossOf, patternRefusal, quotaRefusal } from './pattern-refusal.ts';
import { SessionPublishes, type SessionPublishesOptions } from './session-publishes.ts';
import { SessionSubscriptions } from './session-subscriptions.ts';

export interface SessionOptions extends Pick<SessionPublishesOptions, 'waiting'> {
  readonly registration: Registration;
  readonly stream: RpcStream<SessionRequest, SessionEvent>;
  /** The rest of the stream after OpenSession. */
  readonly requests: ReadyIterator<SessionRequest>;
  readonly store: Store;
  readonly tail: LogTail;
  readonly broker: CallBroker;
  readonly groups: Groups;
  readonly log: Log;
  readonly telemetry: BusTelemetry;
  readonly wallTimeNs: () => bigint;
  readonly renewLease: () => number;
}

/** One sidecar's session: its publishes, subscriptions, calls and answers, each checked against its grants. */
export class Session implements RegisteredSession {
  readonly #options: SessionOptions;
  readonly #subscriptions: SessionSubscriptions;
  readonly #publishes: SessionPublishes;
  readonly #responders = new Map<number, Responder>();
  readonly #requests: InterruptibleIterable<SessionRequest>;
  readonly #outflow: SessionOutflow;
  #delivering = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#requests = new InterruptibleIterable(options.requests);
    this.#outflow = new SessionOutflow(options.stream);
    const onFailure = (error: unknown): void => this.end(RpcError.from(error));
    this.#publishes = new SessionPublishes({
      ...options,
      owner: options.registration.owner,
      answer: (value, meta) => {
        this.send({ case: 'publishResult', value });
        options.telemetry.published(meta, storedOutcomeOf(value), value.refusalReason);
      },
      onFailure,
    });
    this.#subscriptions = new SessionSubscriptions({
      ...options,
      onFailure,
      subscribed: (subscriptionId, group) => this.send({ case: 'subscribed', value: { subscriptionId, group } }),
      unsubscribed: (subscriptionId) => this.send({ case: 'unsubscribed', value: { subscriptionId } }),
      ended: (subscriptionId, refusal) => {
        this.send({ case: 'subscriptionEnded', value: { subscriptionId, ...refusal } });
        options.telemetry.refused('subscription', { who: this.#instanceId, reason: refusal.detail });
      },
      missed: (subscriptionId, count) => this.send({ case: 'missed', value: { subscriptionId, count: BigInt(count) } }),
      acknowledged: (subscriptionId, acked) =>
        this.send({ case: 'acknowledged', value: { subscriptionId, positions: [...acked] } }),
      room: () => this.#outflow.room(),
      deliver: (message, delivery, subscription) => {
        this.send({ case: 'delivery', value: delivery });
        options.telemetry.delivered(message, this.#instanceId, subscription);
      },
    });
  }

  /** Serves the stream until it is over or the bus ends it. */
  async run(): Promise<void> {
    this.send({ case: 'opened', value: {} });
    this.#sendGrants();
    try {
      await forEachReady(this.#requests[Symbol.asyncIterator](), ({ message }) => {
        this.#handle(message);
        return this.#isBehind ? this.#readyForMore() : undefined;
      });
      await this.#publishes.settled();
    } finally {
      this.#publishes.close();
      this.stopDelivering();
      for (const responder of this.#responders.values()) this.#options.broker.remove(responder);
    }
  }

  /** Ends the stream with this status. Deliveries stop at once, since a newer session may deliver instead. */
  end(reason: RpcError): void {
    this.#publishes.close();
    this.stopDelivering();
    this.#requests.interrupt(reason);
  }

  send(event: SessionEventInit): void {
    this.#outflow.send(event);
  }

  superseded(by: Drain['by'], drainTimeoutMs: number): void {
    this.send({ case: 'superseded', value: { by, drainTimeoutMs } });
  }

  /** Sends all grants, and ends subscriptions and responders that are no longer allowed. */
  grantsChanged(cause: string): void {
    this.#sendGrants();
    this.#subscriptions.endUngranted(cause);
    for (const [serverId, { pattern }] of this.#responders) {
      const loss = lossOf(this.#options.registration, pattern, cause);
      if (!loss) continue;
      this.#unserve(serverId);
      this.send({ case: 'servingEnded', value: { serverId, ...loss } });
    }
  }

  /** Starts delivering: this registration owns the instance id and no older one is draining. */
  startDelivering(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    this.#subscriptions.start();
  }

  /** Stops deliveries and new requests. Publishing, acks and answers continue. */
  stopDelivering(): void {
    this.#delivering = false;
    this.#subscriptions.stop();
  }

  get subscriptions(): RegisteredSession['subscriptions'] {
    return this.#subscriptions;
  }

  /** Whether much waits for the store or for the sidecar to read. Nothing else delays the reading, so that heartbeats are answered at once. */
  get #isBehind(): boolean {
    return this.#publishes.isFull || this.#subscriptions.isFull || !this.#outflow.mayRead;
  }

  async #readyForMore(): Promise<void> {
    if (this.#publishes.isFull) await this.#publishes.room();
    if (this.#subscriptions.isFull) await this.#subscriptions.room();
    await this.#outflow.readOn();
  }

  #handle(message: SessionRequest['message']): void {
    switch (message.case) {
      case 'heartbeat': {
        const { sequence } = message.value;
        this.send({ case: 'leaseRenewed', value: { sequence, leaseMs: this.#options.renewLease() } });
        break;
      }
      case 'publish':
        this.#publish(message.value);
        break;
      case 'subscribe':
        this.#subscriptions.add(message.value);
        break;
      case 'unsubscribe':
        this.#subscriptions.remove(message.value);
        break;
      case 'acknowledge':
        this.#subscriptions.acknowledge(message.value.subscriptionId, message.value.positions);
        break;
      case 'retry':
        this.#subscriptions.nack(message.value.subscriptionId, message.value.failed);
        break;
      case 'credit':
        this.#subscriptions.addCredit(message.value.subscriptionId, message.value);
        break;
      case 'call':
        this.#call(message.value);
        break;
      case 'serve':
        this.#serve(message.value);
        break;
      case 'unserve':
        this.#unserve(message.value.serverId);
        break;
      case 'answer':
        this.#options.broker.answer([...this.#responders.values()], message.value);
        break;
      case 'status': {
        throwFault(lengthFault(StatusReportSchema, message.value));
        const { state, detail } = message.value;
        this.#options.log.info('sidecar reports', { instance: this.#instanceId, state, detail });
        break;
      }
      case 'open':
      case undefined:
        break;
    }
  }

  #sendGrants(): void {
    const { access } = this.#options.registration;
    this.#outflow.sendLatest(() => {
      const [granted, undecided] = [grantsToWire(access.granted), grantsToWire(access.withheldAs('undecided'))];
      const denied = grantsToWire(access.withheldAs('denied', 'revoked'));
      return { case: 'grants', value: { granted, undecided, denied } };
    });
  }

  get #instanceId(): string {
    return this.#options.registration.owner.instanceId;
  }

  #publish({ sequence, settledBelow, envelope: sent }: Publish): void {
    const { registration, wallTimeNs } = this.#options;
    const { owner, quota } = registration;
    const received = receiveEnvelope(registration, sent, (of) => publishId(of, sequence), wallTimeNs());
    if (received.refusal !== undefined) {
      this.#publishes.refuse(sequence, received.refusal, received.meta);
      return;
    }
    const { envelope, meta } = received;
    const refusal = quota.publishRefusal(owner, { sequence, settledBelow, bytes: envelope.bytes.length });
    if (refusal === undefined) this.#publishes.add({ sequence, settledBelow, meta, envelope });
    else this.#publishes.refuse(sequence, refusal, meta);
  }

  #call({ callId, envelope: sent, timeoutMs }: Call): void {
    const { registration, wallTimeNs } = this.#options;
    const received = receiveEnvelope(registration, sent, (of) => callMessageId(of, callId), wallTimeNs());
    const report = (result: CallOutcomeReport): void => {
      const told = this.#outflow.answerFor(result);
      this.send({ case: 'callResult', value: { callId, ...told } });
      this.#options.telemetry.called(received.meta, callEndingOf(told.outcome).name, told.detail);
    };
    if (received.refusal !== undefined) {
      report(failed(CallOutcome.REFUSED, received.refusal));
      return;
    }
    const begun = registration.quota.beginCall();
    if (begun.refusal !== undefined) {
      report(failed(CallOutcome.REFUSED, begun.refusal));
      return;
    }
    const { meta, envelope } = received;
    const routed = { meta, envelope, timeoutMs: Math.min(timeoutMs, limits.callTimeoutMsMax) };
    this.#options.broker.call(routed, (result) => {
      begun.ended();
      report(result);
    });
  }

  #serve(serve: Serve): void {
    const { serverId, pattern } = serve;
    this.#unserve(serverId);
    const { registration } = this.#options;
    const refusal =
      lengthRefusal(ServeSchema, serve) ??
      patternRefusal(registration, pattern) ??
      quotaRefusal(registration, 'servers', this.#responders.size);
    if (refusal) {
      this.send({ case: 'servingEnded', value: { serverId, ...refusal } });
      this.#options.telemetry.refused('subscription', { who: this.#instanceId, reason: refusal.detail });
      return;
    }
    const responder: Responder = {
      pattern,
      isReady: () => this.#delivering,
      take: (request) =>
        this.#outflow.request(request.envelope.bytes.length, () => {
          const { requestId, meta, envelope, timeoutMs } = request;
          this.#options.telemetry.requested(meta, this.#instanceId);
          this.send({ case: 'request', value: { serverId, requestId, envelope, timeoutMs } });
        }),
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
