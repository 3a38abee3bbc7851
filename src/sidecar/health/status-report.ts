import { version } from '../../base/version.ts';
import type { SidecarConfig } from '../../contract/config/sidecar-config.ts';
import type { HttpReply } from '../../transport/http/http-reply.ts';
import type { Access } from '../access/access.ts';
import type { BusClient } from '../bus-link/bus-client.ts';
import type { Outbox } from '../bus-link/outbox.ts';
import type { BusSubscriptions } from '../bus-link/subscriptions.ts';
import type { SidecarLifecycle, SidecarState } from '../lifecycle/sidecar-state.ts';
import { describeGrant } from '../lifecycle/startup-errors.ts';
import type { MessageTotals, SidecarMetrics } from '../metrics/sidecar-metrics.ts';
import type { Admission } from '../plugin-port/admission.ts';
import type { PluginLifecycle } from '../plugin-port/plugin-lifecycle.ts';
import type { SecondPlugin } from '../second-plugin.ts';
import { healthReply, metricsPath, statusPath } from './health-report.ts';

/** The sidecar's status for an operator. It contains no secret. */
export interface SidecarStatus {
  readonly version: string;
  readonly state: SidecarState;
  readonly instanceId: string;
  readonly poolType: string;
  readonly deploymentId: string;
  readonly bus: { readonly address: string; readonly isUp: boolean; readonly epoch: string };
  readonly plugin: {
    readonly isRegistered: boolean;
    readonly takesCallbacks: boolean;
    /** How often a second plugin registered and used this one's identity, since the sidecar started. */
    readonly secondRegistrations: number;
  };
  readonly grants: {
    readonly publish: readonly string[];
    readonly subscribe: readonly string[];
    /** Grants that were requested and not given, each with the reason. */
    readonly withheld: readonly string[];
  };
  readonly publishesWaiting: number;
  readonly subscriptions: number;
  /** Since the sidecar started. */
  readonly totals: MessageTotals;
}

/** The parts that the status is read from. */
export interface ReportedParts {
  readonly sidecarLifecycle: SidecarLifecycle;
  readonly link: BusClient;
  readonly admission: Admission;
  readonly secondPlugin: SecondPlugin;
  readonly lifecycle: PluginLifecycle;
  readonly access: Access;
  readonly outbox: Outbox;
  readonly subscriptions: BusSubscriptions;
  readonly telemetry: SidecarMetrics;
}

function sidecarStatus(config: SidecarConfig, parts: ReportedParts): SidecarStatus {
  const { sidecarLifecycle, link, admission, secondPlugin, lifecycle, access, outbox, subscriptions, telemetry } =
    parts;
  return {
    version,
    state: sidecarLifecycle.state,
    instanceId: config.instanceId,
    poolType: config.poolType,
    deploymentId: link.deploymentId,
    bus: { address: link.address, isUp: link.isUp, epoch: `${link.epoch}` },
    plugin: {
      isRegistered: admission.isRegistered,
      takesCallbacks: lifecycle.isAttached,
      secondRegistrations: secondPlugin.timesSeen,
    },
    grants: {
      publish: access.patterns('publish'),
      subscribe: access.patterns('subscribe'),
      withheld: access.withheld.map(describeGrant),
    },
    publishesWaiting: outbox.size,
    subscriptions: subscriptions.size,
    totals: telemetry.totals,
  };
}

/** Answers a request to the status server: the probes, the metrics, and the status as JSON. */
export async function reportReply(path: string, config: SidecarConfig, parts: ReportedParts): Promise<HttpReply> {
  if (path === metricsPath) {
    const { registry } = parts.telemetry;
    return { status: 200, body: await registry.text(), contentType: registry.contentType };
  }
  if (path !== statusPath) return healthReply(path, parts.sidecarLifecycle.state, [statusPath, metricsPath]);
  const body = `${JSON.stringify(sidecarStatus(config, parts), null, 2)}\n`;
  return { status: 200, body, contentType: 'application/json' };
}
