import type { AuditSink } from '../audit/audit-line.ts';
import type { Log } from '../base/log/log.ts';
import { type RatedLog, ratedLog } from '../base/log/rated-log.ts';
import { addProcessGauges } from '../base/metrics/process-gauges.ts';
import type { ProcessUsage } from '../base/metrics/process-usage.ts';
import type { Scheduler } from '../base/time/scheduler.ts';
import type { SidecarConfig } from '../contract/config/sidecar-config.ts';
import { limits } from '../contract/wire/limits.ts';
import { callMessageId, publishId } from '../contract/wire/message-id.ts';
import type { ServeHttp } from '../transport/http/http-server.ts';
import type { Network } from '../transport/rpc.ts';
import { Access } from './access/access.ts';
import { GrantNotices } from './access/grant-notices.ts';
import { BusClient } from './bus-link/bus-client.ts';
import type { Credential } from './bus-link/bus-credential.ts';
import { BusCalls } from './bus-link/calls.ts';
import { Outbox } from './bus-link/outbox.ts';
import { PluginState } from './bus-link/plugin-state.ts';
import { Responders } from './bus-link/responders.ts';
import { standingBy } from './bus-link/session-listener.ts';
import { BusSubscriptions } from './bus-link/subscriptions.ts';
import { HealthEndpoint } from './health/health-endpoint.ts';
import { PluginHealth } from './health/plugin-health.ts';
import { SidecarLifecycle } from './lifecycle/sidecar-state.ts';
import { createMemory, type ProcessMemory } from './memory/sidecar-memory.ts';
import { AuditedMetrics } from './metrics/audited-metrics.ts';
import { addPartGauges } from './metrics/part-gauges.ts';
import { SidecarMetrics } from './metrics/sidecar-metrics.ts';
import type { SidecarTelemetry } from './metrics/sidecar-telemetry.ts';
import { Admission } from './plugin-port/admission.ts';
import { healthRoutes } from './plugin-port/health-service.ts';
import { PluginLifecycle } from './plugin-port/plugin-lifecycle.ts';
import { PluginListener } from './plugin-port/plugin-listener.ts';
import type { PluginPort, PortIdentity } from './plugin-port/plugin-port.ts';
import { pluginRoutes } from './plugin-port/plugin-service.ts';
import { reflectionRoutes } from './plugin-port/reflection/reflection-service.ts';
import { connectionLimits } from './plugin-port/stream-limits.ts';
import { sidecarRoutes } from './plugin-port/v1/sidecar-service.ts';
import { V1Patterns } from './plugin-port/v1/v1-patterns.ts';
import { SecondPlugin } from './second-plugin.ts';

export interface SidecarOptions {
  readonly config: SidecarConfig;
  readonly network: Network;
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly serveHttp: ServeHttp;
  /** Read at every scrape; absent: no metrics of the process. */
  readonly processUsage?: () => ProcessUsage;
  /** Watched, so that load is shed before the process dies. Absent: the default limit holds and nothing is watched. */
  readonly processMemory?: ProcessMemory;
  /** Receives the audit log; absent: no audit log. */
  readonly audit?: AuditSink;
  /** The credential for the bus, read again before every connection. */
  readonly readCredential: () => Promise<Credential>;
}

/** All parts of a sidecar, connected but not started. */
export interface SidecarParts extends Omit<PluginPort, 'identity' | 'settings'> {
  readonly log: RatedLog;
  readonly telemetry: SidecarMetrics;
  readonly link: BusClient;
  readonly grantNotices: GrantNotices;
  readonly endpoint: HealthEndpoint;
  readonly listener: PluginListener;
}

/** How long opening a taken plugin port is tried again before step 7 fails. */
const listenRetryMs = 5_000;

/** Makes the parts. `onFault` is called when the plugin becomes faulted and when it heals. */
export function createParts(given: SidecarOptions, onFault: (faulted: boolean) => void): SidecarParts {
  const { config, scheduler } = given;
  // The plugin causes log lines, and must not fill the disk with them.
  const log = ratedLog(given.log, { scheduler });
  const options = { ...given, log };
  const sidecarLifecycle = new SidecarLifecycle(log);
  const telemetry = createMetrics(options);
  const link = createLink(options);
  const memory = createMemory({ tuning: config.memory, scheduler, log, process: options.processMemory });
  const access = new Access();
  const grantNotices = new GrantNotices({ access, instanceId: config.instanceId, scheduler, log });
  const health = new PluginHealth({
    scheduler,
    log,
    telemetry,
    checkEveryMs: config.healthCheckEveryMs,
    checkTimeoutMs: config.healthCheckTimeoutMs,
    faultThreshold: config.faultThreshold,
    onChange: onFault,
  });
  const admission = new Admission(access, (pluginRegistered) => {
    health.reset();
    sidecarLifecycle.note({ pluginRegistered });
  });
  const lifecycle = new PluginLifecycle({
    scheduler,
    admission,
    instanceId: config.instanceId,
    isDegraded: () => !sidecarLifecycle.conditions.busUp,
  });
  const send: BusClient['send'] = (message) => link.send(message);
  const overBus = {
    outbox: new Outbox({ scheduler, limits: config.outbox, budget: memory.outgoing, send }),
    subscriptions: new BusSubscriptions({
      send,
      onMissed({ name, pattern }, count) {
        log.warn('the bus dropped messages that this subscription had not reached', { name, count });
        telemetry.lost(name, count);
        lifecycle.lost(pattern, count);
      },
    }),
    calls: new BusCalls({ scheduler, send }),
    servers: new Responders({ send }),
  };
  for (const part of [access, grantNotices, ...Object.values(overBus)]) link.attach(part);
  const { subscriptions } = overBus;
  memory.incoming.onRoom(() => subscriptions.resumeDeferred());
  memory.shedding.onEnd(() => subscriptions.resumeDeferred());
  const v1Patterns = new V1Patterns({ subscriptions, credit: config.credits, telemetry, memory });
  const state = new PluginState(link, config.instanceId);
  const parts = {
    scheduler,
    log,
    telemetry,
    sidecarLifecycle,
    access,
    admission,
    secondPlugin: new SecondPlugin(scheduler, log),
    lifecycle,
    health,
    ...overBus,
    v1Patterns,
    state,
    memory,
    standByRefusal: () => (link.isStandingBy ? standingBy : undefined),
  };
  addPartGauges(telemetry, config, { ...parts, link });
  const port: PluginPort = {
    ...parts,
    identity: portIdentity(config, link),
    settings: config,
  };
  const listener = createListener(options, { port, telemetry });
  const endpoint = new HealthEndpoint(options, { ...parts, link });
  sidecarLifecycle.onChange((now) => {
    lifecycle.stateChanged(now);
    link.send({ case: 'status', value: { state: now } });
  });
  return { ...parts, link, grantNotices, endpoint, listener };
}

function createListener(
  { config, network, scheduler, log }: SidecarOptions,
  { port, telemetry }: { readonly port: PluginPort; readonly telemetry: SidecarTelemetry },
): PluginListener {
  return new PluginListener({
    network,
    scheduler,
    log,
    address: config.pluginAddress,
    retryForMs: listenRetryMs,
    listen: {
      routes: [
        ...sidecarRoutes(port),
        ...pluginRoutes(port),
        ...healthRoutes(port.sidecarLifecycle),
        ...reflectionRoutes(port.sidecarLifecycle),
      ],
      maxMessageBytes: limits.messageBytes,
      connectionLimits,
      onRefused(refusal) {
        telemetry.refused();
        log.warn('refused a client on the plugin port', { ...refusal });
      },
      onClosed: (client) => port.secondPlugin.gone(client),
    },
  });
}

function createMetrics({ config, scheduler, audit, processUsage }: SidecarOptions): SidecarMetrics {
  const options = { scheduler, topicsMax: config.metrics.topics };
  const metrics = audit
    ? new AuditedMetrics({ ...options, instanceId: config.instanceId, audit })
    : new SidecarMetrics(options);
  if (processUsage) addProcessGauges(metrics.registry, processUsage);
  return metrics;
}

function createLink({ config, network, scheduler, log, readCredential }: SidecarOptions): BusClient {
  return new BusClient({
    network,
    scheduler,
    log,
    addresses: config.busApiUrl.places.map(({ address }) => address),
    proxy: config.busProxy,
    readCredential,
    registration: {
      instanceId: config.instanceId,
      poolType: config.poolType,
      requestedGrants: config.requestedGrants.map(({ topic, action }) => ({ pattern: topic, action })),
      tags: config.tags,
      image: config.image ?? '',
      version: config.revision.applicationVersion,
      startedAtNs: BigInt(Math.round(config.revision.startedAtMs)) * 1_000_000n,
    },
    renewEveryMs: config.renewEveryMs,
    reconnect: config.reconnect,
  });
}

function portIdentity(config: SidecarConfig, link: BusClient): PortIdentity {
  const { instanceId, poolType, tags } = config;
  const owner = () => ({ instanceId, epoch: link.epoch });
  return {
    instanceId,
    poolType,
    tags,
    deploymentId: () => link.deploymentId,
    messageId: (sequence) => publishId(owner(), sequence),
    callMessageId: (callId) => callMessageId(owner(), callId),
  };
}
