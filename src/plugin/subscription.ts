import type { Log } from '../base/log/log.ts';
import type { Scheduler, Timer } from '../base/time/scheduler.ts';
import { messageOf } from '../base/user-facing-error.ts';
import { create, type MessageInitShape } from '../contract/wire/codec/message.ts';
import {
  type ConsumedMessage,
  type ConsumeEvent,
  type ConsumeRequest,
  ConsumeRequestSchema,
  type OpenSubscriptionSchema,
} from '../contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { pluginMethods } from '../contract/wire/methods.ts';
import type { OneofInit } from '../contract/wire/oneof-init.ts';
import type { ClientStream, Connection } from '../transport/rpc.ts';
import { RpcError } from '../transport/status.ts';
import { isLostConnection } from './lost-connection.ts';
import { type DeliveredMessage, messageFrom } from './message.ts';

/** Handles one message. When it throws or rejects, the message is redelivered as its next attempt. */
export type MessageHandler = (message: DeliveredMessage) => void | Promise<void>;

export interface SubscriptionOptions {
  readonly name: string;
  readonly pattern: string;
  readonly handler: MessageHandler;
  /** How many messages, and how many of their bytes, may be in flight. */
  readonly window: { readonly messages: number; readonly bytes: number };
  /** The other options for the bus, as OpenSubscription has them. */
  readonly request: Pick<
    MessageInitShape<typeof OpenSubscriptionSchema>,
    'startAt' | 'startTimeNs' | 'idleExpiryS' | 'maxAttempts' | 'deadLetterTopic' | 'unordered'
  > & { readonly group: string };
  readonly scheduler: Scheduler;
  readonly log: Log;
}

/** The delay before a message is nacked after its handler failed; it doubles with every attempt. */
const retryDelayMs = { first: 100, max: 5_000 };

type ConsumeRequestInit = OneofInit<typeof ConsumeRequestSchema, 'message'>;

/**
 * One acknowledged subscription over all connections. It handles messages one at a time, in order, and acknowledges each when
 * its handler has returned. If the handler throws, the message is redelivered after a delay, marked and as the next attempt;
 * later messages are handled meanwhile. It is redelivered until it is handled or goes to the dead-letter topic.
 */
export class Subscription {
  readonly #options: SubscriptionOptions;
  /** Handled, and not yet confirmed as acknowledged. */
  readonly #handled = new Set<bigint>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #retries = new Map<() => void, Timer>();
  #stream: ClientStream<ConsumeEvent, ConsumeRequest> | undefined;
  #running: Promise<void> = Promise.resolve();
  #handling: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    // A plugin that does not wait for the opening learns of a refusal from the log.
    this.#opened.promise.catch(() => {});
  }

  /** Resolves when the subscription is open for the first time. @throws RpcError when it is refused. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Reopens the subscription on a new connection. */
  connect(connection: Connection): void {
    if (this.#stopped) return;
    const { name, pattern, window: credit, request } = this.#options;
    const stream = connection.stream(pluginMethods.consume);
    this.#stream = stream;
    send(stream, { case: 'open', value: { ...request, name, pattern, credit } });
    // Messages of the connection before are finished first, so that only one is handled at a time.
    this.#running = this.#running.then(() => this.#run(stream));
  }

  /** Accepts nothing more. Resolves when the current message is handled and the sidecar has its ack. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#handling;
    for (const retry of [...this.#retries.keys()]) retry();
    this.#stream?.end();
    await this.#running;
  }

  /** Ends the stream; unacknowledged messages are redelivered to the next one. */
  close(): void {
    this.#stopped = true;
    for (const timer of this.#retries.values()) timer.cancel();
    this.#stream?.cancel();
  }

  async #run(stream: ClientStream<ConsumeEvent, ConsumeRequest>): Promise<void> {
    try {
      for await (const { event } of stream) {
        if (event.case === 'opened') this.#open(stream, event.value.group);
        if (event.case === 'acknowledged') for (const position of event.value.positions) this.#handled.delete(position);
        if (event.case !== 'message') continue;
        this.#handling = this.#take(stream, event.value);
        await this.#handling;
      }
    } catch (error) {
      const failure = RpcError.from(error);
      if (isLostConnection(failure)) return;
      this.#opened.reject(failure);
      this.#options.log.error(`subscription ended: ${failure.message}`, { name: this.#options.name });
    }
  }

  /** Without the group, this instance would get every message that is meant for one of its members. */
  #open(stream: ClientStream<ConsumeEvent, ConsumeRequest>, group: string): void {
    const { request } = this.#options;
    if (group === request.group) {
      this.#opened.resolve();
      return;
    }
    stream.cancel();
    throw new RpcError('UNIMPLEMENTED', `the sidecar or the bus knows no groups, and the group is "${request.group}"`);
  }

  async #take(stream: ClientStream<ConsumeEvent, ConsumeRequest>, consumed: ConsumedMessage): Promise<void> {
    const { position, envelope, maybeRedelivered, attempt, creditBytes } = consumed;
    if (this.#stopped || !envelope) return;
    const { name, handler, log } = this.#options;
    if (!this.#handled.has(position)) {
      try {
        await handler({ ...messageFrom(envelope), subscription: name, position, maybeRedelivered, attempt });
      } catch (error) {
        log.error(`the handler failed, and the message is redelivered: ${messageOf(error)}`, { name, attempt });
        this.#retryLater(stream, consumed);
        return;
      }
      this.#handled.add(position);
    }
    send(stream, { case: 'acknowledge', value: { positions: [position] } });
    send(stream, { case: 'credit', value: { messages: 1, bytes: creditBytes } });
  }

  #retryLater(stream: ClientStream<ConsumeEvent, ConsumeRequest>, consumed: ConsumedMessage): void {
    const { position, attempt, creditBytes } = consumed;
    const retry = (): void => {
      this.#retries.get(retry)?.cancel();
      this.#retries.delete(retry);
      send(stream, { case: 'retry', value: { positions: [position] } });
      send(stream, { case: 'credit', value: { messages: 1, bytes: creditBytes } });
    };
    this.#retries.set(retry, this.#options.scheduler.setTimer(retryDelay(attempt), retry));
  }
}

function retryDelay(attempt: number): number {
  return Math.min(retryDelayMs.max, retryDelayMs.first * 2 ** (attempt - 1));
}

function send(stream: ClientStream<ConsumeEvent, ConsumeRequest>, message: ConsumeRequestInit): void {
  stream.write(create(ConsumeRequestSchema, { message }));
}
