import { create } from '@bufbuild/protobuf';
import type { Log } from '../base/log.ts';
import type { Scheduler } from '../base/scheduler.ts';
import { messageOf } from '../base/user-facing-error.ts';
import {
  LoadStateRequestSchema,
  SaveStateRequestSchema,
  StartAt,
} from '../contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import {
  CallFailure,
  CallRequestSchema,
  LeaveRequestSchema,
  PublishRequestSchema,
} from '../contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { limits } from '../contract/wire/limits.ts';
import { pluginMethods, sidecarMethods } from '../contract/wire/methods.ts';
import type { Network } from '../transport/rpc.ts';
import { RpcError } from '../transport/status.ts';
import { Lifecycle } from './lifecycle.ts';
import type { DeliveredMessage } from './message.ts';
import { type RequestHandler, RequestServer } from './request-server.ts';
import { type PluginIdentity, SidecarConnection } from './sidecar-connection.ts';
import { type MessageHandler, Subscription } from './subscription.ts';

export interface PluginOptions {
  readonly network: Network;
  readonly scheduler: Scheduler;
  readonly log: Log;
  /** `host:port` of the sidecar. */
  readonly address: string;
  /** Semantic version of the contract this plugin was written for. */
  readonly schemaVersion: string;
  /** How long to wait for the sidecar at first, and for a lost connection before an operation fails. */
  readonly waitTimeoutMs: number;
}

export interface PublishOptions {
  readonly payloadType?: string;
  readonly correlationId?: string;
  readonly causationId?: string;
  /** Nanoseconds since the Unix epoch at which the event happened; the sidecar's clock when absent. */
  readonly tsEventNs?: bigint;
  /** A second publish with the same key on the same topic is not stored again. */
  readonly dedupKey?: string;
  readonly schemaVersion?: string;
  readonly traceparent?: string;
  readonly tracestate?: string;
}

export interface RequestOptions {
  readonly timeoutMs?: number;
  readonly payloadType?: string;
  readonly correlationId?: string;
  readonly traceparent?: string;
  readonly tracestate?: string;
}

export interface SubscribeOptions {
  /** Keeps the position between runs. */
  readonly name: string;
  /** Where to start when there is no position yet: the first `published_at_ns` to deliver. Absent: with what is new. */
  readonly startTimeNs?: bigint;
  /** How long the position is kept while nobody subscribes; the bus's default when absent. */
  readonly idleExpiryS?: number;
  /** Attempts after which a message goes to this topic instead of coming again; without it, it comes until it is handled. */
  readonly deadLetters?: { readonly afterAttempts: number; readonly topic: string };
  /** How many messages, and how many of their bytes, may be on their way at a time: with a crash each counts as tried. */
  readonly window?: { readonly messages: number; readonly bytes: number };
}

/** How a publish ended. `unknown`: it may or may not be stored; publish again with the same dedup key to be sure. */
export type PublishOutcome =
  | { readonly outcome: 'accepted'; readonly messageId: string; readonly duplicate: boolean }
  | { readonly outcome: 'refused'; readonly reason: string }
  | { readonly outcome: 'unknown'; readonly reason: string };

/** How a request ended: answered, or one of four failures that stay apart. */
export type RequestOutcome =
  | { readonly outcome: 'answered'; readonly payload: Uint8Array; readonly payloadType: string }
  | { readonly outcome: 'refused' | 'no_handler' | 'timeout' | 'handler_error'; readonly detail: string };

const failureNames: Partial<Record<CallFailure, 'refused' | 'no_handler' | 'timeout' | 'handler_error'>> = {
  [CallFailure.REFUSED]: 'refused',
  [CallFailure.NO_HANDLER]: 'no_handler',
  [CallFailure.TIMEOUT]: 'timeout',
  [CallFailure.HANDLER_ERROR]: 'handler_error',
};

const leaveTimeoutMs = 500;
/** Statuses after which nobody knows whether the sidecar took the message. */
const lostStatuses: ReadonlySet<string> = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CANCELLED', 'UNKNOWN']);

/** A plugin, connected to its sidecar. It survives lost connections: subscriptions and servers are taken up again. */
export class Plugin {
  readonly #options: PluginOptions;
  readonly #sidecar: SidecarConnection;
  readonly #lifecycle: Lifecycle;
  readonly #subscriptions: Subscription[] = [];
  readonly #servers: RequestServer[] = [];
  #identity: PluginIdentity | undefined;
  #onStop: (reason: string) => void | Promise<void> = () => {};
  #stopping: Promise<void> | undefined;
  readonly #stopped = Promise.withResolvers<void>();

  private constructor(options: PluginOptions) {
    this.#options = options;
    this.#lifecycle = new Lifecycle({ log: options.log, onStop: (reason) => void this.stop(reason) });
    this.#sidecar = new SidecarConnection({
      ...options,
      onConnected: (connection) => {
        this.#lifecycle.connect(connection);
        for (const part of [...this.#subscriptions, ...this.#servers]) part.connect(connection);
      },
    });
  }

  /** Waits for the sidecar and registers. @throws NotAdmittedError; RpcError UNAVAILABLE when the wait was in vain. */
  static async connect(options: PluginOptions): Promise<Plugin> {
    const plugin = new Plugin(options);
    plugin.#identity = await plugin.#sidecar.open(options.waitTimeoutMs);
    return plugin;
  }

  get identity(): PluginIdentity {
    if (!this.#identity) throw new Error('not connected');
    return this.#identity;
  }

  /** Resolves when the plugin has stopped: after its `onStop` and its leave. */
  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  /**
   * Publishes one message and says how it ended.
   * @throws RpcError INVALID_ARGUMENT or RESOURCE_EXHAUSTED when it is over a limit.
   */
  async publish(topic: string, payload: Uint8Array, options: PublishOptions = {}): Promise<PublishOutcome> {
    const connection = await this.#sidecar.ready(this.#options.waitTimeoutMs);
    const request = create(PublishRequestSchema, { topic, payload, ...options });
    try {
      const reply = await connection.unary(sidecarMethods.publish, request);
      return reply.accepted
        ? { outcome: 'accepted', messageId: reply.messageId, duplicate: reply.duplicate }
        : { outcome: 'refused', reason: reply.refusalReason };
    } catch (error) {
      const failure = RpcError.from(error);
      if (!lostStatuses.has(failure.code)) throw failure;
      return { outcome: 'unknown', reason: failure.message };
    }
  }

  /**
   * Subscribes under a name, which keeps its position between runs, and hands over messages one at a time, in order.
   * Each is acknowledged when the handler has returned. One whose handler throws comes again after a while, as the next
   * attempt, and does not hold up those behind it. Resolves when the subscription stands.
   * @throws RpcError PERMISSION_DENIED without a grant, INVALID_ARGUMENT for what is no pattern, name or dead-letter topic.
   */
  async subscribe(pattern: string, options: SubscribeOptions, handler: MessageHandler): Promise<void> {
    const subscription = new Subscription({
      name: options.name,
      pattern,
      handler,
      window: options.window ?? { messages: limits.creditMessages, bytes: limits.creditBytes },
      request: {
        startAt: options.startTimeNs === undefined ? StartAt.LAST_ACKNOWLEDGED : StartAt.TIME,
        startTimeNs: options.startTimeNs ?? 0n,
        idleExpiryS: options.idleExpiryS ?? 0,
        maxAttempts: options.deadLetters?.afterAttempts ?? 0,
        deadLetterTopic: options.deadLetters?.topic ?? '',
      },
      scheduler: this.#options.scheduler,
      log: this.#options.log,
    });
    const connection = await this.#sidecar.ready(this.#options.waitTimeoutMs);
    this.#subscriptions.push(subscription);
    subscription.connect(connection);
    await subscription.opened;
  }

  /** Answers the requests on one pattern. Resolves when requests can come. @throws RpcError as `subscribe` does. */
  async serve(pattern: string, handler: RequestHandler): Promise<void> {
    const server = new RequestServer({ pattern, handler, log: this.#options.log });
    const connection = await this.#sidecar.ready(this.#options.waitTimeoutMs);
    this.#servers.push(server);
    server.connect(connection);
    await server.serving;
  }

  /** Asks whoever serves the topic; at most once, and for no longer than `timeoutMs` (5 s when absent). */
  async request(topic: string, payload: Uint8Array, options: RequestOptions = {}): Promise<RequestOutcome> {
    const connection = await this.#sidecar.ready(this.#options.waitTimeoutMs);
    const reply = await connection.unary(
      sidecarMethods.call,
      create(CallRequestSchema, { topic, payload, ...options }),
    );
    if (reply.ok) return { outcome: 'answered', payload: reply.payload, payloadType: reply.payloadType };
    return { outcome: failureNames[reply.failure] ?? 'handler_error', detail: reply.failureDetail };
  }

  /** The state saved last, by this run or an earlier one; undefined when there is none. @throws RpcError */
  async loadState(): Promise<Uint8Array | undefined> {
    const connection = await this.#sidecar.ready(this.#options.waitTimeoutMs);
    const { found, state } = await connection.unary(pluginMethods.loadState, create(LoadStateRequestSchema));
    return found ? state : undefined;
  }

  /**
   * Stores the state and, in the same operation, acknowledges messages whose effect is in it.
   * @throws RpcError RESOURCE_EXHAUSTED over 1 MiB, ABORTED when a newer instance saved meanwhile, UNAVAILABLE.
   */
  async saveState(state: Uint8Array, options: { acknowledge?: readonly DeliveredMessage[] } = {}): Promise<void> {
    const connection = await this.#sidecar.ready(this.#options.waitTimeoutMs);
    const acknowledge = (options.acknowledge ?? []).map(({ subscription, position }) => ({
      subscription,
      positions: [position],
    }));
    await connection.unary(pluginMethods.saveState, create(SaveStateRequestSchema, { state, acknowledge }));
  }

  /** Answers the sidecar's health checks; without it the plugin is healthy while it answers at all. */
  onHealthCheck(check: () => boolean | Promise<boolean>): void {
    this.#lifecycle.hooks.healthCheck = check;
  }

  /** Called when the bus is away and publishes wait. */
  onDegrade(hook: (reason: string) => void): void {
    this.#lifecycle.hooks.degrade = hook;
  }

  /** Called when a v1 stream of this plugin was read too slowly: so many messages, since the last call, were dropped. */
  onLost(hook: (pattern: string, count: number) => void): void {
    this.#lifecycle.hooks.lost = hook;
  }

  onResume(hook: () => void): void {
    this.#lifecycle.hooks.resume = hook;
  }

  /** Called once, after intake has stopped: finish the work in flight. Publishing still works. */
  onStop(hook: (reason: string) => void | Promise<void>): void {
    this.#onStop = hook;
  }

  /** Stops intake, runs `onStop`, leaves and disconnects; called again, it waits for the same stop. It never rejects. */
  stop(reason: string): Promise<void> {
    this.#stopping ??= this.#stop(reason).finally(() => this.#stopped.resolve());
    return this.#stopping;
  }

  async #stop(reason: string): Promise<void> {
    const parts = [...this.#subscriptions, ...this.#servers];
    await Promise.all(parts.map((part) => part.stop()));
    try {
      await this.#onStop(reason);
    } catch (error) {
      // Whoever asked for the stop may be a signal, which could do nothing with a rejection.
      this.#options.log.error(`onStop failed: ${messageOf(error)}`);
    }
    this.#lifecycle.stopped();
    await this.#leave(reason);
    for (const part of parts) part.close();
    this.#sidecar.close();
  }

  /** Best effort: a sidecar that is gone has noticed by itself. */
  async #leave(reason: string): Promise<void> {
    try {
      const connection = await this.#sidecar.ready(0);
      this.#sidecar.keepNoLonger();
      await connection.unary(sidecarMethods.leave, create(LeaveRequestSchema, { reason }), {
        timeoutMs: leaveTimeoutMs,
      });
    } catch (error) {
      this.#options.log.debug(`leave was not heard: ${RpcError.from(error).message}`);
    }
  }
}
