import type { Log } from '../../base/log/log.ts';
import type { Scheduler } from '../../base/time/scheduler.ts';
import type { Access } from '../access/access.ts';
import type { BusCalls } from '../bus-link/calls.ts';
import type { Outbox } from '../bus-link/outbox.ts';
import type { PluginState } from '../bus-link/plugin-state.ts';
import type { Responders } from '../bus-link/responders.ts';
import type { BusSubscriptions } from '../bus-link/subscriptions.ts';
import type { PluginHealth } from '../health/plugin-health.ts';
import type { SidecarLifecycle } from '../lifecycle/sidecar-state.ts';
import type { SidecarMemory } from '../memory/sidecar-memory.ts';
import type { SidecarTelemetry } from '../metrics/sidecar-telemetry.ts';
import type { SecondPlugin } from '../second-plugin.ts';
import type { Admission } from './admission.ts';
import type { PluginLifecycle } from './plugin-lifecycle.ts';
import type { V1Patterns } from './v1/v1-patterns.ts';

/** The identity that the plugin's port uses: fixed at launch, and never taken from the plugin. */
export interface PortIdentity {
  readonly instanceId: string;
  readonly poolType: string;
  readonly tags: readonly string[];
  deploymentId(): string;
  /** The message id of a publish, unique over restarts. */
  messageId(sequence: bigint): string;
  /** The message id of a call, unique over restarts. */
  callMessageId(callId: bigint): string;
}

/** The parts of the sidecar that the services of the plugin's port use. */
export interface PluginPort {
  readonly identity: PortIdentity;
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly telemetry: SidecarTelemetry;
  readonly sidecarLifecycle: SidecarLifecycle;
  readonly access: Access;
  readonly admission: Admission;
  readonly secondPlugin: SecondPlugin;
  readonly lifecycle: PluginLifecycle;
  readonly health: PluginHealth;
  readonly outbox: Outbox;
  readonly subscriptions: BusSubscriptions;
  readonly v1Patterns: V1Patterns;
  readonly calls: BusCalls;
  readonly servers: Responders;
  readonly state: PluginState;
  readonly memory: SidecarMemory;
  /** Why nothing can be sent while a newer sidecar owns the instance id; otherwise undefined. */
  readonly standByRefusal: () => string | undefined;
  readonly settings: {
    readonly maxClockSkewMs: number;
    readonly callTimeoutMs: number;
    readonly maxCallTimeoutMs: number;
    readonly v1BufferBytes: number;
    readonly credits: { readonly messages: number; readonly bytes: number };
  };
}
