import { Counter, Gauge, type Registry } from 'prom-client';
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
import type { ProcessUsage } from './process-usage.ts';
import type { SidecarMetrics } from './sidecar-metrics.ts';

/** The parts that the gauges read. */
interface GaugedParts {
  readonly current: SidecarLifecycle;
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
  const { current, link, admission, lifecycle, outbox, scheduler } = parts;
  const read = reading(registry);
  const info = gauge(registry, 'info', 'Always 1; the labels tell who this is', [
    'version',
    'instance_id',
    'pool_type',
  ]);
  info.set({ version, instance_id: config.instanceId, pool_type: config.poolType }, 1);
  gauge(registry, 'state', '1 for the state that the sidecar is in, 0 for the others', ['state'], (state) => {
    for (const each of sidecarStates) state.set({ state: each }, each === current.current ? 1 : 0);
  });
  read('bus_up', '1 while the session with the bus stands', () => Number(link.isUp));
  read('lease_remaining_seconds', 'Until the lease of the instance id ends unless it is renewed', () =>
    link.leaseEndsMs === undefined ? 0 : Math.max(0, link.leaseEndsMs - scheduler.nowMs()) / 1_000,
  );
  read('epoch', 'Epoch under which the instance id is held; 0 before it is', () => Number(link.epoch));
  read('outbox_messages', 'Publishes that wait for the answer of the bus', () => outbox.size);
  read('outbox_bytes', 'Bytes of the publishes that wait', () => outbox.bytes);
  read('plugin_registered', '1 while a plugin is registered', () => Number(admission.isRegistered));
  read('plugin_attached', '1 while the plugin takes callbacks', () => Number(lifecycle.isAttached));
  addSubscriptionGauges(metrics, parts.subscriptions);
  addMemoryGauges(registry, parts.memory);
}

function addSubscriptionGauges(metrics: SidecarMetrics, subscriptions: GaugedParts['subscriptions']): void {
  const { registry } = metrics;
  type Depth = ReturnType<GaugedParts['subscriptions']['depths']>[number];
  const each = (name: string, help: string, read: (depth: Depth) => number): void => {
    gauge(registry, name, help, ['subscription'], (bySubscription) => {
      bySubscription.reset();
      for (const depth of subscriptions.depths()) {
        bySubscription.inc({ subscription: metrics.subscriptions.take(depth.name) }, read(depth));
      }
    });
  };
  reading(registry)('subscriptions', 'Open subscriptions of the plugin', () => subscriptions.size);
  each('unacknowledged_messages', 'With the plugin and not acknowledged', ({ inHand }) => inHand);
  each('credit_messages', 'Messages that the bus may still deliver', ({ credit }) => credit.messages);
  each('credit_bytes', 'Bytes that the bus may still deliver', ({ credit }) => credit.bytes);
}

function addMemoryGauges(registry: Registry, memory: GaugedParts['memory']): void {
  const { limit, incoming, outgoing, shedding } = memory;
  const read = reading(registry);
  read('memory_limit_bytes', 'Memory that the process may hold', () => limit.bytes);
  gauge(registry, 'held_bytes', 'Bytes of messages that wait in the sidecar', ['direction'], (held) => {
    held.set({ direction: 'to_bus' }, outgoing.heldBytes);
    held.set({ direction: 'to_plugin' }, incoming.heldBytes);
  });
  read('shedding', '1 while publishes and calls are refused because memory is short', () =>
    Number(shedding.isShedding),
  );
  new Counter({
    name: 'meridian_sidecar_sheds_total',
    help: 'Publishes and calls that were refused because memory is short',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(shedding.refused);
    },
  });
}

/** Adds gauges of the memory, processor and event loop. */
export function addProcessGauges(registry: Registry, usage: () => ProcessUsage): void {
  const read = reading(registry);
  let latest: ProcessUsage | undefined;
  // One reading serves one scrape, since it restarts the measurement of the delay. This gauge is collected first.
  read('process_heap_bytes', 'Heap of V8 in use', () => {
    latest = usage();
    return latest.heapBytes;
  });
  read('process_resident_memory_bytes', 'Memory that the process holds', () => latest?.residentBytes ?? 0);
  read('event_loop_delay_seconds', 'The longest that the event loop was late since the last scrape', () => {
    return latest?.eventLoopDelaySecondsMax ?? 0;
  });
  new Counter({
    name: 'meridian_sidecar_process_cpu_seconds_total',
    help: 'CPU time that the process has used',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(latest?.cpuSeconds ?? 0);
    },
  });
}

function gauge<L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: L[],
  collect?: (gauge: Gauge<L>) => void,
): Gauge<L> {
  return new Gauge<L>({
    name: `meridian_sidecar_${name}`,
    help,
    labelNames,
    registers: [registry],
    ...(collect && {
      collect() {
        collect(this);
      },
    }),
  });
}

function reading(registry: Registry): (name: string, help: string, value: () => number) => void {
  return (name, help, value) => void gauge(registry, name, help, [], (single) => single.set(value()));
}
