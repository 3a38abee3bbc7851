import { InterruptibleIterable } from '../../base/async/interruptible-iterable.ts';
import { formatBytes } from '../../base/bytes.ts';
import { type Scheduler, sleep } from '../../base/time/scheduler.ts';
import { create } from '../../contract/wire/codec/message.ts';
import { lengthFault } from '../../contract/wire/field-limits/length-fault.ts';
import {
  type LifecycleEvent,
  LifecycleEventSchema,
  type LifecycleRequest,
  LifecycleRequestSchema,
} from '../../contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import type { OneofInit } from '../../contract/wire/oneof-init.ts';
import type { RpcStream } from '../../transport/rpc.ts';
import { RpcError, throwFault } from '../../transport/status.ts';
import type { SidecarState } from '../lifecycle/sidecar-state.ts';
import type { Admission } from './admission.ts';
import { streamLimits } from './stream-limits.ts';

type LifecycleStream = RpcStream<LifecycleRequest, LifecycleEvent>;
type LifecycleEventInit = OneofInit<typeof LifecycleEventSchema, 'event'>;

/** The statuses of a stream that was closed on purpose, or whose plugin is gone. They are not logged. */
const endsOf: ReadonlySet<string> = new Set(['ABORTED', 'CANCELLED', 'UNAVAILABLE', 'DEADLINE_EXCEEDED']);

export interface PluginLifecycleOptions {
  readonly scheduler: Scheduler;
  readonly admission: Admission;
  readonly instanceId: string;
  readonly isDegraded: () => boolean;
}

/** The callbacks of the plugin: one Lifecycle stream at a time. */
export class PluginLifecycle {
  readonly #options: PluginLifecycleOptions;
  readonly #checks = new Map<bigint, (healthy: boolean) => void>();
  #stream: LifecycleStream | undefined;
  /** Ends the current stream. */
  #end: ((reason: RpcError) => void) | undefined;
  #lastCheckId = 0n;
  #stopping: { readonly reason: string; readonly endsMs: number; readonly drained: () => void } | undefined;

  constructor(options: PluginLifecycleOptions) {
    this.#options = options;
  }

  get isAttached(): boolean {
    return this.#stream !== undefined;
  }

  /** Serves one Lifecycle stream; an older one is told that it was replaced and ends. */
  async serve(stream: LifecycleStream): Promise<void> {
    const { admission, instanceId, isDegraded } = this.#options;
    const plugin = admission.require();
    if (this.#stream) write(this.#stream, { case: 'replaced', value: {} });
    this.#end?.(new RpcError('ABORTED', 'a newer Lifecycle stream took the place of this one'));
    this.#stream = stream;
    const messages = new InterruptibleIterable(stream[Symbol.asyncIterator]());
    this.#end = (reason) => messages.interrupt(reason);
    plugin.gone.addEventListener('abort', () => messages.interrupt(plugin.gone.reason), {
      once: true,
      signal: stream.over,
    });
    try {
      for await (const request of messages) {
        throwFault(lengthFault(LifecycleRequestSchema, request));
        const { message } = request;
        if (message.case === 'attach') {
          write(stream, { case: 'attached', value: { instanceId, degraded: isDegraded() } });
          // A plugin that registered just before the stop must still be told.
          this.#tellStop();
        }
        if (message.case === 'healthReport') this.#checks.get(message.value.checkId)?.(message.value.healthy);
        if (message.case === 'stopped') this.#stopping?.drained();
      }
    } catch (error) {
      if (!endsOf.has(RpcError.from(error).code)) throw error;
    } finally {
      if (this.#stream === stream) {
        this.#stream = undefined;
        this.#end = undefined;
        admission.gone(plugin);
      }
    }
  }

  /** Asks for the plugin's health; false when it is unhealthy, gone, or does not answer in time. */
  async checkHealth(timeoutMs: number): Promise<boolean> {
    if (!this.#stream) return false;
    this.#lastCheckId += 1n;
    const checkId = this.#lastCheckId;
    this.#send({ case: 'healthCheck', value: { checkId, timeoutMs } });
    const answer = new Promise<boolean>((resolve) => this.#checks.set(checkId, resolve));
    const answered = new AbortController();
    const timeout = sleep(this.#options.scheduler, timeoutMs, answered.signal).then(() => false);
    try {
      return await Promise.race([answer, timeout]);
    } finally {
      answered.abort();
      this.#checks.delete(checkId);
    }
  }

  degrade(reason: string): void {
    this.#send({ case: 'degrade', value: { reason } });
  }

  resume(): void {
    this.#send({ case: 'resume', value: {} });
  }

  /** Since the last report so many messages were lost to a subscription to this pattern. */
  lost(pattern: string, count: number): void {
    this.#send({ case: 'lost', value: { pattern, count: BigInt(count) } });
  }

  stateChanged(state: SidecarState): void {
    this.#send({ case: 'stateChanged', value: { state } });
  }

  /** Tells the plugin to stop and resolves once it has drained or left. */
  async stop(reason: string, drainTimeoutMs: number): Promise<void> {
    const { scheduler, admission } = this.#options;
    const { promise, resolve: drained } = Promise.withResolvers<void>();
    const stopping = { reason, endsMs: scheduler.nowMs() + drainTimeoutMs, drained };
    this.#stopping = stopping;
    admission.dismiss();
    this.#tellStop();
    await Promise.race([promise, admission.absent()]);
    if (this.#stopping === stopping) this.#stopping = undefined;
  }

  #tellStop(): void {
    if (!this.#stopping) return;
    const { reason, endsMs } = this.#stopping;
    const drainTimeoutMs = Math.max(0, Math.round(endsMs - this.#options.scheduler.nowMs()));
    this.#send({ case: 'stop', value: { reason, drainTimeoutMs } });
  }

  #send(event: LifecycleEventInit): void {
    if (!this.#stream) return;
    const limitBytes = streamLimits.unreadLifecycleBytes;
    if (write(this.#stream, event) <= limitBytes) return;
    const reason = `the plugin does not read its Lifecycle stream: more than the limit of ${formatBytes(limitBytes)} waits`;
    this.#end?.(new RpcError('RESOURCE_EXHAUSTED', reason));
  }
}

function write(stream: LifecycleStream, event: LifecycleEventInit): number {
  return stream.write(create(LifecycleEventSchema, { event }));
}
