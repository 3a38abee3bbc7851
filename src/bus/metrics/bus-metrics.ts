import { type AuditRecord, type AuditSink, auditLine } from '../../audit/audit-line.ts';
import { BoundedSeries } from '../../base/metrics/bounded-series.ts';
import { seriesOfEach } from '../../base/metrics/labelled.ts';
import { MetricRegistry } from '../../base/metrics/metric-registry.ts';
import { addProcessGauges } from '../../base/metrics/process-gauges.ts';
import type { ProcessUsage } from '../../base/metrics/process-usage.ts';
import type { Scheduler } from '../../base/time/scheduler.ts';
import { version } from '../../base/version.ts';
import { type CallEnding, callEndings } from '../../contract/wire/call-ending.ts';
import { EnvelopeSchema, type MessageMeta } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { readMessage } from '../../contract/wire/read-message.ts';
import type { Registration } from '../ownership/registration.ts';
import type { StoredMessage } from '../store/store.ts';
import {
  type BusTelemetry,
  type RefusedKind,
  refusedKinds,
  type StoredOutcome,
  storedOutcomes,
  type Watched,
} from '../telemetry.ts';
import { addStoreGauges } from './store-gauges.ts';

export interface BusMetricsOptions {
  readonly scheduler: Scheduler;
  /** Takes the audit log. Absent: there is none. */
  readonly audit?: AuditSink;
  /** A store on a disk, with its size there. Absent: the metrics omit it. */
  readonly store?: { bytes(): Promise<number>; isDiskFull(): boolean };
  readonly processUsage?: () => ProcessUsage;
}

type Meta = MessageMeta | undefined;

/** Distinct instances with their own series. */
const receiversMax = 100;
const phases = ['reserved', 'active', 'draining'] as const;
/** The bounds of all histograms. */
const latencySeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Counts the bus's events in a registry of its own, and writes one audit line for every step of a message. */
export class BusMetrics implements BusTelemetry {
  readonly registry = new MetricRegistry('meridian_bus_');
  readonly #options: BusMetricsOptions;
  readonly #receivers = new BoundedSeries(receiversMax, receiverSeries(this.registry));
  readonly #series = plainSeries(this.registry);
  #watched: Watched | undefined;

  constructor(options: BusMetricsOptions) {
    this.#options = options;
    const { registry } = this;
    const { audit, store } = options;
    registry.gauges('info', 'Always 1; the label has the version', {
      labels: ['version'],
      read: (show) => show(1, version),
    });
    registry.gauges('registrations', 'Registrations whose lease has not expired', {
      labels: ['phase'],
      read: (show) => {
        const found = this.#registrations;
        for (const phase of phases) show(found.filter((each) => each.phase === phase).length, phase);
      },
    });
    registry.gauge(
      'sessions',
      'Open sessions of sidecars',
      () => this.#registrations.filter(({ session }) => session).length,
    );
    registry.gauge('subscriptions', 'Subscriptions of all sessions', () =>
      this.#registrations.reduce((sum, { session }) => sum + (session?.subscriptions.size ?? 0), 0),
    );
    registry.gauge('grants_undecided', 'Requested grants that wait for an administrator', () =>
      this.#registrations.reduce((sum, { access }) => sum + access.withheldAs('undecided').length, 0),
    );
    registry.gauge('serving', '1 while this process serves sidecars, 0 while it stands by', () =>
      Number(this.#watched !== undefined),
    );
    addStoreGauges({ registry, scheduler: options.scheduler, store: () => this.#watched?.store });
    if (options.processUsage) addProcessGauges(registry, options.processUsage);
    if (store) {
      registry.gauge('store_bytes', 'Size of the store on its disk', () => store.bytes());
      registry.gauge('store_disk_full', "1 while the store's disk is full and publishes are refused", () =>
        Number(store.isDiskFull()),
      );
    }
    if (audit) {
      registry.countedElsewhere(
        'audit_lines_lost_total',
        'Lines that the audit log could not take',
        () => audit.linesLost,
      );
    }
  }

  watch(watched: Watched | undefined): void {
    this.#watched = watched;
  }

  get #registrations(): readonly Registration[] {
    return this.#watched?.registrations() ?? [];
  }

  async append<T>(work: Promise<T>): Promise<T> {
    const startedMs = this.#options.scheduler.nowMs();
    try {
      return await work;
    } finally {
      this.#series.appendSeconds.observe((this.#options.scheduler.nowMs() - startedMs) / 1_000);
    }
  }

  published(meta: Meta, outcome: StoredOutcome): void {
    this.#series.publishes[outcome].add();
    if (outcome === 'refused') this.refused('publish');
    this.#note('message', meta, { receiver: '', outcome });
  }

  requested(meta: Meta, receiver: string): void {
    this.#note('call', meta, { receiver, outcome: 'routed' });
  }

  delivered({ envelope, publishedAtNs }: StoredMessage, receiver: string): void {
    if (this.#options.audit) {
      const { meta } = readMessage(EnvelopeSchema, envelope.bytes);
      this.#note('message', meta, { receiver, outcome: 'routed' });
    }
    const { deliveries, lagSeconds } = this.#receivers.take(receiver);
    deliveries.add();
    const lagNs = this.#options.scheduler.wallTimeNs() - publishedAtNs;
    // The sidecar's clock may be ahead of the bus's.
    lagSeconds.observe(Math.max(0, Number(lagNs / 1_000n) / 1e6));
  }

  deadLettered(meta: Meta, receiver: string): void {
    this.#receivers.take(receiver).deadLetters.add();
    this.#note('message', meta, { receiver, outcome: 'dead_lettered' });
  }

  called(meta: Meta, outcome: CallEnding): void {
    this.#series.calls[outcome].add();
    if (outcome === 'refused') this.refused('call');
    this.#note('call', meta, { receiver: '', outcome });
  }

  refused(kind: RefusedKind): void {
    this.#series.refusals[kind].add();
  }

  leaseEnded(): void {
    this.#series.leaseEnds.add();
  }

  #note(kind: AuditRecord['kind'], meta: Meta, how: Pick<AuditRecord, 'receiver' | 'outcome'>): void {
    const { audit, scheduler } = this.#options;
    if (!audit) return;
    const { traceparent = '', messageId = '', topic = '', publisherInstanceId: publisher = '' } = meta ?? {};
    audit.write(
      auditLine({ point: 'route', kind, traceparent, messageId, topic, publisher, ...how }, scheduler.wallTimeNs()),
    );
  }
}

/** Adds what is counted by receiver. Returns how the series of one are made. */
function receiverSeries(registry: MetricRegistry) {
  const deliveries = registry.counters('deliveries_total', 'Messages delivered to sidecars', ['receiver']);
  const lagSeconds = registry.histograms(
    'delivery_lag_seconds',
    'Time from publishing to delivery, by the clocks of both sides',
    { labels: ['receiver'], bounds: latencySeconds },
  );
  const deadLetters = registry.counters('dead_letters_total', 'Messages whose delivery attempts were used up', [
    'receiver',
  ]);
  return (receiver: string) => ({
    deliveries: deliveries.at(receiver),
    lagSeconds: lagSeconds.at(receiver),
    deadLetters: deadLetters.at(receiver),
  });
}

function plainSeries(registry: MetricRegistry) {
  const publishes = registry.counters('publishes_total', 'Publishes by outcome', ['outcome']);
  const calls = registry.counters('calls_total', 'Calls by outcome', ['outcome']);
  const refusals = registry.counters('refusals_total', 'What was refused, by kind', ['kind']);
  return {
    publishes: seriesOfEach(storedOutcomes, (outcome) => publishes.at(outcome)),
    appendSeconds: registry.histogram(
      'append_duration_seconds',
      'How long the store took for one batch of publishes',
      latencySeconds,
    ),
    calls: seriesOfEach(callEndings, (outcome) => calls.at(outcome)),
    refusals: seriesOfEach(refusedKinds, (kind) => refusals.at(kind)),
    leaseEnds: registry.counter('lease_ends_total', 'Leases that expired because no heartbeat came'),
  };
}
