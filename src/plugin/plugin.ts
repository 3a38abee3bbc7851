import type { Log } from '../base/log/log.ts';
import type { Scheduler } from '../base/time/scheduler.ts';
import { messageOf } from '../base/user-facing-error.ts';
import { create } from '../contract/wire/codec/message.ts';
import { LoadStateRequestSchema, SaveStateRequestSchema } from '../contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import {
  CallRequestSchema,
  LeaveRequestSchema,
  PublishRequestSchema,
} from '../contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { limits } from '../contract/wire/limits.ts';
import { pluginMethods, sidecarMethods } from '../contract/wire/methods.ts';
import type { Connection, Network, UnaryMethod } from '../transport/rpc.ts';
import { RpcError } from '../transport/status.ts';
import { bytes, callback, checkArgument, checkOptions, text } from './arguments.ts';
import { DrainBudget } from './drain-budget.ts';
import { Lifecycle } from './lifecycle.ts';
import {
  openingOf,
  type PublishOptions,
  publishOptionKinds,
  type RequestOptions,
  requestOptionKinds,
  type SaveStateOptions,
  type SubscribeOptions,
  saveStateOptionKinds,
  subscribeOptionKinds,
} from './options.ts';
import { type PublishOutcome, type RequestOutcome, requestOutcome } from './outcomes.ts';
import { Publisher } from './publisher.ts';
import { type RequestHandler, RequestServer } from './request-server.ts';
import { type PluginIdentity, SidecarConnection } from './sidecar-connection.ts';
import { type MessageHandler, Subscription } from './subscription.ts';

export interface PluginOptions {
  readonly network: Network;
  readonly scheduler: Scheduler;
  readonly log: Log;
  /** `host:port` of the sidecar. */
  readonly address: string;
  /** Semantic version of the contract that this plugin was written for. */
  readonly schemaVersion: string;
  /** How long to wait for the sidecar at first, and for a lost connection before an operation fails. */
  readonly waitTimeoutMs: number;
}

/** The time to drain when SIGTERM asks for the stop: the default of the sidecar's `shutdown.drain`. */
const drainTimeoutMs = 6_000;
const leaveTimeoutMs = 500;

/** A plugin, connected to its sidecar. It survives lost connections: subscriptions and responders are reopened. */
export class Plugin {
  readonly #options: PluginOptions;
  readonly #sidecar: SidecarConnection;
  readonly #lifecycle: Lifecycle;
  readonly #subscriptions: Subscription[] = [];
  readonly #servers: RequestServer[] = [];
  readonly #budget: DrainBudget;
  readonly #publisher: Publisher;
  #identity: PluginIdentity | undefined;
  #onStop: (reason: string) => void | Promise<void> = () => {};
  #stopping: Promise<void> | undefined;
  readonly #stopped = Promise.withResolvers<void>();

  private constructor(options: PluginOptions) {
    this.#options = options;
    this.#budget = new DrainBudget(options.scheduler);
    this.#publisher = new Publisher(this.#budget);
    this.#lifecycle = new Lifecycle({
      log: options.log,
      onStop: (reason, timeoutMs) => void this.#stopWithin(reason, timeoutMs),
    });
    this.#sidecar = new SidecarConnection({
      ...options,
      onConnected: (connection) => {
        this.#lifecycle.connect(connection);
        for (const part of [...this.#subscriptions, ...this.#servers]) part.connect(connection);
      },
    });
  }

  /**
   * Waits for the sidecar and registers. @throws NotAdmittedError; RpcError UNAVAILABLE when the sidecar does not answer in
   * time.
   * @internal Plugins call `connect` of index.ts.
   */
  static async connect(options: PluginOptions): Promise<Plugin> {
    const plugin = new Plugin(options);
    plugin.#identity = await plugin.#sidecar.open(options.waitTimeoutMs);
    return plugin;
  }

  /** The plugin's identity, as the sidecar answered at registration. */
  get identity(): PluginIdentity {
    if (!this.#identity) throw new Error('not connected');
    return this.#identity;
  }

  /** Resolves when the plugin has stopped: after `onStop` and Leave. */
  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  /**
   * Publishes one message and reports how it ended. Publishes of up to 64 KiB are sent in the order of the calls, also when none
   * waits for the one before. While 65,536 publishes, or 64 MiB of them, have no answer, the next waits for one of theirs.
   * @throws TypeError for a wrong argument; RpcError INVALID_ARGUMENT or RESOURCE_EXHAUSTED when it is over a limit,
   * UNAVAILABLE without a connection to the sidecar, so that nothing was sent.
   */
  async publish(topic: string, payload: Uint8Array, options: PublishOptions = {}): Promise<PublishOutcome> {
    checkArgument('publish', 'topic', topic, text);
    checkArgument('publish', 'payload', payload, bytes);
    checkOptions('publish', options, publishOptionKinds);
    const connection = await this.#ready();
    const request = create(PublishRequestSchema, { topic, payload, ...options });
    return this.#publisher.publish(connection, request, () => this.#ready());
  }

  /**
   * Subscribes under a name, which keeps its cursor between runs. The handler gets messages one at a time, in order. Each
   * message is acknowledged when the handler has returned. If the handler throws, the message is redelivered after a delay, as
   * the next attempt, and does not delay later ones. Resolves when the subscription is open.
   * @throws TypeError as `publish` does; RpcError PERMISSION_DENIED without a grant, INVALID_ARGUMENT for an invalid pattern,
   * name or dead-letter topic, FAILED_PRECONDITION when the plugin is stopping.
   */
  async subscribe(pattern: string, options: SubscribeOptions, handler: MessageHandler): Promise<void> {
    checkArgument('subscribe', 'pattern', pattern, text);
    checkOptions('subscribe', options, subscribeOptionKinds);
    checkArgument('subscribe', 'options.name', options.name, text);
    checkArgument('subscribe', 'handler', handler, callback);
    const subscription = new Subscription({
      name: options.name,
      pattern,
      handler,
      window: options.window ?? { messages: limits.creditMessages, bytes: limits.creditBytes },
      request: openingOf(options),
      scheduler: this.#options.scheduler,
      log: this.#options.log,
    });
    const connection = await this.#readyForIntake();
    this.#subscriptions.push(subscription);
    subscription.connect(connection);
    await this.#budget.bound(subscription.opened);
  }

  /** Answers the requests on one pattern. Resolves when requests can arrive. @throws RpcError as `subscribe` does. */
  async serve(pattern: string, handler: RequestHandler): Promise<void> {
    checkArgument('serve', 'pattern', pattern, text);
    checkArgument('serve', 'handler', handler, callback);
    const server = new RequestServer({ pattern, handler, log: this.#options.log });
    const connection = await this.#readyForIntake();
    this.#servers.push(server);
    server.connect(connection);
    await this.#budget.bound(server.serving);
  }

  /**
   * Calls the responder of the topic: at most once, and for no longer than `timeoutMs` (5 s when absent).
   * @throws TypeError as `publish` does; RpcError INVALID_ARGUMENT for what is over a limit, UNAVAILABLE.
   */
  async request(topic: string, payload: Uint8Array, options: RequestOptions = {}): Promise<RequestOutcome> {
    checkArgument('request', 'topic', topic, text);
    checkArgument('request', 'payload', payload, bytes);
    checkOptions('request', options, requestOptionKinds);
    const reply = await this.#call(sidecarMethods.call, create(CallRequestSchema, { topic, payload, ...options }));
    return requestOutcome(reply);
  }

  /** The last saved state, of this run or an earlier one; undefined when none was saved. @throws RpcError */
  async loadState(): Promise<Uint8Array | undefined> {
    const { found, state } = await this.#call(pluginMethods.loadState, create(LoadStateRequestSchema));
    return found ? state : undefined;
  }

  /**
   * Stores the state and, in the same operation, acknowledges messages whose effects it contains.
   * @throws TypeError as `publish` does; RpcError RESOURCE_EXHAUSTED over 1 MiB, ABORTED when a newer sidecar saved meanwhile,
   * UNAVAILABLE.
   */
  async saveState(state: Uint8Array, options: SaveStateOptions = {}): Promise<void> {
    checkArgument('saveState', 'state', state, bytes);
    checkOptions('saveState', options, saveStateOptionKinds);
    const acknowledge = (options.acknowledge ?? []).map(({ subscription, position }) => ({
      subscription,
      positions: [position],
    }));
    await this.#call(pluginMethods.saveState, create(SaveStateRequestSchema, { state, acknowledge }));
  }

  /** Answers the sidecar's health checks. Without a check, a plugin that answers counts as healthy. */
  onHealthCheck(check: () => boolean | Promise<boolean>): void {
    checkArgument('onHealthCheck', 'check', check, callback);
    this.#lifecycle.hooks.healthCheck = check;
  }

  /** Called when the bus is unreachable and publishes wait, at once when it is already. */
  onDegrade(hook: (reason: string) => void): void {
    checkArgument('onDegrade', 'hook', hook, callback);
    this.#lifecycle.onDegrade(hook);
  }

  /** Called when messages were lost since the last call: a v1 stream was read too slowly, or a subscription was over its backlog quota. */
  onLost(hook: (pattern: string, count: number) => void): void {
    checkArgument('onLost', 'hook', hook, callback);
    this.#lifecycle.hooks.lost = hook;
  }

  /** Called when the bus is reachable again after `onDegrade` was called. */
  onResume(hook: () => void): void {
    checkArgument('onResume', 'hook', hook, callback);
    this.#lifecycle.hooks.resume = hook;
  }

  /** Called once, after intake has stopped: finish the work in progress. Publishing still works. */
  onStop(hook: (reason: string) => void | Promise<void>): void {
    checkArgument('onStop', 'hook', hook, callback);
    this.#onStop = hook;
  }

  /**
   * Stops intake, runs `onStop`, waits for the answers to what was published, leaves and disconnects. A second call waits for the
   * same stop. The plugin's calls fail once the drain time has passed: 6 s, or as the sidecar says.
   * A message whose handler has not ended by then is redelivered. It never rejects.
   * @throws TypeError when the reason is not a string
   */
  stop(reason = 'the plugin stops itself'): Promise<void> {
    checkArgument('stop', 'reason', reason, text);
    return this.#stopping ?? this.#stopWithin(reason, drainTimeoutMs);
  }

  #stopWithin(reason: string, timeoutMs: number): Promise<void> {
    this.#budget.begin(timeoutMs, () => {
      for (const part of [...this.#subscriptions, ...this.#servers]) part.close();
      this.#sidecar.keepNoLonger();
    });
    this.#stopping ??= this.#stop(reason).finally(() => {
      this.#budget.finish();
      this.#stopped.resolve();
    });
    return this.#stopping;
  }

  /** Waits for the connection to the sidecar. @throws RpcError UNAVAILABLE when there is none in time. */
  #ready(): Promise<Connection> {
    return this.#budget.bound(this.#sidecar.ready(this.#options.waitTimeoutMs));
  }

  /** @throws RpcError FAILED_PRECONDITION when the plugin is stopping, UNAVAILABLE. */
  async #readyForIntake(): Promise<Connection> {
    const connection = await this.#ready();
    if (this.#stopping) throw new RpcError('FAILED_PRECONDITION', 'the plugin is stopping and accepts nothing new');
    return connection;
  }

  async #call<Request, Response>(method: UnaryMethod<Request, Response>, request: Request): Promise<Response> {
    const connection = await this.#ready();
    return this.#budget.bound(connection.unary(method, request));
  }

  async #stop(reason: string): Promise<void> {
    const parts = [...this.#subscriptions, ...this.#servers];
    await this.#finishWork(parts);
    try {
      await this.#onStop(reason);
    } catch (error) {
      // A signal may have asked for the stop, and cannot handle a rejection.
      this.#options.log.error(`onStop failed: ${messageOf(error)}`);
    }
    await this.#publisher.drain();
    this.#lifecycle.stopped();
    await this.#leave(reason);
    for (const part of parts) part.close();
    this.#sidecar.close();
  }

  /** What is not finished in time is redelivered to the next start, and a call that is not answered ends as a handler error. */
  async #finishWork(parts: readonly { stop(): Promise<void> }[]): Promise<void> {
    try {
      await this.#budget.bound(Promise.all(parts.map((part) => part.stop())));
    } catch (error) {
      this.#options.log.warn(`a handler is still at work: ${messageOf(error)}`);
    }
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
      this.#options.log.debug(`Leave failed: ${RpcError.from(error).message}`);
    }
  }
}
