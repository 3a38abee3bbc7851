import type { MetricRegistry } from '../../base/metrics/metric-registry.ts';
import type { Scheduler } from '../../base/time/scheduler.ts';
import { version } from '../../base/version.ts';
import type { SidecarConfig } from '../../contract/config/sidecar-config.ts';
import type { BusClient } from '../bus-link/bus-client.ts';
import type { Outbox } from '../bus-link/outbox.ts';
import type { BusSubscriptions } from '../bus-link/subscriptions.ts';
import { type SidecarLifecycle, sidecarStates } from '../lifecycle/sidecar-state.ts';
import type { SidecarMemory } from '../memory/sidecar-memory.ts';
import type { Admission } from '../plugin-port/admission.ts';
import type { PluginLifecycle } from '../plugin-port/plugin-lifecycle.ts';
import type { SidecarMetrics } from './sidecar-metrics.ts';

/** The parts that the gauges read. */
interface GaugedParts {
  readonly sidecarLifecycle: SidecarLifecycle;
  readonly link: BusClient;
  readonly admission: Admission;
  readonly lifecycle: PluginLifecycle;
  readonly outbox: Outbox;
  readonly subscriptions: BusSubscriptions;
  readonly scheduler: Scheduler;
  readonly memory: SidecarMemory;
}

/** Adds gauges that read the parts at each scrape, so that they cost nothing in between. */
export function addPartGauges(metrics: SidecarMetrics, config: SidecarConfig, parts: GaugedParts): void {
  const { registry } = metrics;
  const { sidecarLifecycle, link, admission, lifecycle, outbox, scheduler } = parts;
  const { instanceId, poolType } = config;
  registry.gauges('info', 'Always 1; the labels identify this sidecar', {
    labels: ['version', 'instance_id', 'pool_type'],
    read: (show) => show(1, version, instanceId, poolType),
  });
  registry.gauges('state', '1 for the state that the sidecar is in, 0 for the others', {
    labels: ['state'],
    read: (show) => {
      for (const state of sidecarStates) show(Number(state === sidecarLifecycle.state), state);
    },
  });
  registry.gauge('bus_up', '1 while a session with the bus is open', () => Number(link.isUp));
  registry.gauge(
    'lease_remaining_seconds',
    'Time until the lease of the instance id expires unless it is renewed',
    () => (link.leaseEndsMs === undefined ? 0 : Math.max(0, link.leaseEndsMs - scheduler.nowMs()) / 1_000),
  );
  registry.gauge('epoch', 'Epoch of this sidecar; 0 before it has registered', () => Number(link.epoch));
  registry.gauge('outbox_messages', 'Publishes that wait for the answer of the bus', () => outbox.size);
  registry.gauge('outbox_bytes', 'Bytes of the publishes that wait', () => outbox.bytes);
  registry.gauge('plugin_registered', '1 while a plugin is registered', () => Number(admission.isRegistered));
  registry.gauge('plugin_attached', '1 while the plugin takes callbacks', () => Number(lifecycle.isAttached));
  addSubscriptionGauges(metrics, parts.subscriptions);
  addMemoryGauges(registry, parts.memory);
}

function addSubscriptionGauges(metrics: SidecarMetrics, subscriptions: GaugedParts['subscriptions']): void {
  const { registry } = metrics;
  type Depth = ReturnType<GaugedParts['subscriptions']['depths']>[number];
  const each = (name: string, help: string, read: (depth: Depth) => number): void => {
    registry.gauges(name, help, {
      labels: ['subscription'],
      read: (show) => {
        for (const depth of subscriptions.depths()) show(read(depth), metrics.subscriptions.take(depth.name).label);
      },
    });
  };
  registry.gauge('subscriptions', 'Open subscriptions of the plugin', () => subscriptions.size);
  each('unacknowledged_messages', 'Messages delivered to the plugin and not acknowledged', ({ inFlight }) => inFlight);
  each('credit_messages', 'Messages that the bus may still deliver', ({ credit }) => credit.messages);
  each('credit_bytes', 'Bytes that the bus may still deliver', ({ credit }) => credit.bytes);
}

function addMemoryGauges(registry: MetricRegistry, memory: GaugedParts['memory']): void {
  const { limit, incoming, outgoing, shedding } = memory;
  registry.gauge('memory_limit_bytes', 'Memory that the process may hold', () => limit.bytes);
  registry.gauges('held_bytes', 'Bytes of messages that wait in the sidecar', {
    labels: ['direction'],
    read: (show) => {
      show(outgoing.heldBytes, 'to_bus');
      show(incoming.heldBytes, 'to_plugin');
    },
  });
  registry.gauge('shedding', '1 while publishes and calls are refused because memory is short', () =>
    Number(shedding.isShedding),
  );
  registry.countedElsewhere(
    'sheds_total',
    'Publishes and calls that were refused because memory is short',
    () => shedding.refused,
  );
}
