import type { Log } from '../../base/log/log.ts';
import { every, type Scheduler, type Timer } from '../../base/time/scheduler.ts';
import type { SidecarTelemetry } from '../metrics/sidecar-telemetry.ts';
import type { PluginLifecycle } from '../plugin-port/plugin-lifecycle.ts';

export interface PluginHealthOptions {
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly telemetry: Pick<SidecarTelemetry, 'healthCheckMissed' | 'heartbeat'>;
  readonly checkEveryMs: number;
  readonly checkTimeoutMs: number;
  /** After so many misses in a row the plugin is faulted; one answer heals it. */
  readonly faultThreshold: number;
  readonly onChange: (faulted: boolean) => void;
}

/**
 * Watches the plugin's health: by its answers to health checks when it takes callbacks, otherwise by its heartbeats, beginning
 * with the first one. A plugin that does neither always counts as healthy.
 */
export class PluginHealth {
  readonly #options: PluginHealthOptions;
  #lifecycle: PluginLifecycle | undefined;
  #timer: Timer | undefined;
  #heartbeat: { readonly healthy: boolean; readonly atMs: number } | undefined;
  #misses = 0;
  #faulted = false;

  constructor(options: PluginHealthOptions) {
    this.#options = options;
  }

  start(lifecycle: PluginLifecycle): void {
    this.#lifecycle = lifecycle;
    this.#timer = every(this.#options.scheduler, this.#options.checkEveryMs, () => void this.#check());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** The plugin is gone or new, so earlier answers do not count. */
  reset(): void {
    this.#heartbeat = undefined;
    this.#judge(true);
  }

  heartbeat(healthy: boolean, detail: string): void {
    this.#heartbeat = { healthy, atMs: this.#options.scheduler.nowMs() };
    this.#options.telemetry.heartbeat();
    if (!healthy) this.#options.log.warn('the plugin says that it is unhealthy', { detail });
    if (!this.#lifecycle?.isAttached && healthy) this.#judge(true);
  }

  async #check(): Promise<void> {
    const { scheduler, checkEveryMs, checkTimeoutMs } = this.#options;
    if (this.#lifecycle?.isAttached) return this.#judge(await this.#lifecycle.checkHealth(checkTimeoutMs));
    if (!this.#heartbeat) return;
    const { healthy, atMs } = this.#heartbeat;
    this.#judge(healthy && scheduler.nowMs() - atMs <= checkEveryMs + checkTimeoutMs);
  }

  #judge(healthy: boolean): void {
    const { log, telemetry, faultThreshold, onChange } = this.#options;
    this.#misses = healthy ? 0 : this.#misses + 1;
    if (!healthy) {
      telemetry.healthCheckMissed();
      log.warn('health check missed', { misses: this.#misses, threshold: faultThreshold });
    }
    const faulted = this.#misses >= faultThreshold;
    if (faulted === this.#faulted) return;
    this.#faulted = faulted;
    onChange(faulted);
  }
}
