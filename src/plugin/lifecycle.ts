import type { Log } from '../base/log/log.ts';
import { messageOf } from '../base/user-facing-error.ts';
import { create } from '../contract/wire/codec/message.ts';
import {
  type LifecycleEvent,
  type LifecycleRequest,
  LifecycleRequestSchema,
} from '../contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { pluginMethods } from '../contract/wire/methods.ts';
import type { OneofInit } from '../contract/wire/oneof-init.ts';
import type { ClientStream, Connection } from '../transport/rpc.ts';
import { RpcError } from '../transport/status.ts';
import { isLostConnection } from './lost-connection.ts';

/** The hooks of a plugin; every hook is optional. */
export interface Hooks {
  /** Answers a health check; true when absent. */
  healthCheck?: () => boolean | Promise<boolean>;
  /** The bus is unreachable: publishes wait. */
  degrade?: (reason: string) => void;
  resume?: () => void;
  /** The number of messages of the pattern lost since the last call: a v1 stream was read too slowly, or a backlog quota was exceeded. */
  lost?: (pattern: string, count: number) => void;
}

type LifecycleRequestInit = OneofInit<typeof LifecycleRequestSchema, 'message'>;

/** The sidecar's callbacks, over all connections. */
export class Lifecycle {
  readonly hooks: Hooks = {};
  readonly #log: Log;
  readonly #onStop: (reason: string, drainTimeoutMs: number) => void;
  #stream: ClientStream<LifecycleEvent, LifecycleRequest> | undefined;
  /** Why the bus is unreachable, if the plugin was told so. */
  #away: string | undefined;

  constructor(options: { log: Log; onStop: (reason: string, drainTimeoutMs: number) => void }) {
    this.#log = options.log;
    this.#onStop = options.onStop;
  }

  connect(connection: Connection): void {
    const stream = connection.stream(pluginMethods.lifecycle);
    this.#stream = stream;
    send(stream, { case: 'attach', value: { client: 'meridian-plugin-typescript' } });
    void this.#run(stream);
  }

  /** Calls back when the bus becomes unreachable, at once when it is already. */
  onDegrade(hook: (reason: string) => void): void {
    this.hooks.degrade = hook;
    const away = this.#away;
    if (away !== undefined) this.#call('onDegrade', () => hook(away));
  }

  /** Tells the sidecar that the plugin's work is drained. */
  stopped(): void {
    if (this.#stream) send(this.#stream, { case: 'stopped', value: {} });
  }

  async #run(stream: ClientStream<LifecycleEvent, LifecycleRequest>): Promise<void> {
    try {
      for await (const { event } of stream) {
        if (event.case === 'healthCheck') void this.#reportHealth(stream, event.value.checkId);
        if (event.case === 'stop') this.#onStop(event.value.reason, event.value.drainTimeoutMs);
        // It may have changed while there was no stream, or before the first one.
        if (event.case === 'attached') this.#busIs(event.value.degraded ? 'the bus is away' : undefined);
        if (event.case === 'degrade') this.#busIs(event.value.reason);
        if (event.case === 'resume') this.#busIs(undefined);
        if (event.case === 'lost') this.#tellLost(event.value);
        if (event.case === 'replaced') this.#log.warn('another process of this plugin took over the callbacks');
      }
    } catch (error) {
      const failure = RpcError.from(error);
      if (!isLostConnection(failure)) {
        this.#log.error(`callbacks ended: ${failure.message}`);
      }
    }
  }

  #busIs(away: string | undefined): void {
    const before = this.#away;
    this.#away = away;
    if (away !== undefined && before === undefined) this.#call('onDegrade', () => this.hooks.degrade?.(away));
    if (away === undefined && before !== undefined) this.#call('onResume', () => this.hooks.resume?.());
  }

  #tellLost({ pattern, count }: { readonly pattern: string; readonly count: bigint }): void {
    this.#call('onLost', () => this.hooks.lost?.(pattern, Number(count)));
  }

  /** An error in a hook must not end the callbacks: the plugin would not learn that it must stop. */
  #call(name: string, hook: () => void): void {
    try {
      hook();
    } catch (error) {
      this.#log.error(`${name} failed: ${messageOf(error)}`);
    }
  }

  async #reportHealth(stream: ClientStream<LifecycleEvent, LifecycleRequest>, checkId: bigint): Promise<void> {
    try {
      const healthy = (await this.hooks.healthCheck?.()) ?? true;
      send(stream, { case: 'healthReport', value: { checkId, healthy } });
    } catch (error) {
      send(stream, { case: 'healthReport', value: { checkId, healthy: false, detail: messageOf(error) } });
    }
  }
}

function send(stream: ClientStream<LifecycleEvent, LifecycleRequest>, message: LifecycleRequestInit): void {
  stream.write(create(LifecycleRequestSchema, { message }));
}
