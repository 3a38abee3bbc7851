import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { BoundedLabels } from '../../base/bounded-labels.ts';
import type { Scheduler } from '../../base/time/scheduler.ts';
import { version } from '../../base/version.ts';
import { type AuditRecord, type AuditSink, auditLine } from '../../contract/wire/audit-line.ts';
import type { CallEnding } from '../../contract/wire/call-ending.ts';
import type { MessageMeta } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import type { Registration } from '../ownership/registration.ts';
import type { BusTelemetry, RefusedKind, StoredOutcome } from '../telemetry.ts';

export interface BusMetricsOptions {
  readonly scheduler: Scheduler;
  /** Takes the audit log. Absent: there is none. */
  readonly audit?: AuditSink;
  /** A store on a disk, with its size there. Absent: the metrics omit it. */
  readonly store?: { bytes(): Promise<number>; isDiskFull(): boolean };
}

type Meta = MessageMeta | undefined;

/** Distinct instances with their own series. */
const receiversMax = 100;
const phases = ['reserved', 'active', 'draining'] as const;
const latencyBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Counts the bus's events in a registry of its own, and writes one audit line for every step of a message. */
export class BusMetrics implements BusTelemetry {
  readonly registry = new Registry();
  readonly #options: BusMetricsOptions;
  readonly #receivers = new BoundedLabels(receiversMax);
  readonly #counters = createCounters(this.registry);
  #registrations: () => readonly Registration[] = () => [];

  constructor(options: BusMetricsOptions) {
    this.#options = options;
    const { registry } = this;
    const { audit, store } = options;
    gauge(registry, 'info', 'Always 1; the label tells the version', ['version']).set({ version }, 1);
    gauge(registry, 'registrations', 'Registrations whose lease lives', ['phase'], async (byPhase) => {
      const found = this.#registrations();
      for (const phase of phases) byPhase.set({ phase }, found.filter((each) => each.phase === phase).length);
    });
    gauge(registry, 'sessions', 'Open sessions of sidecars', [], async (sessions) => {
      sessions.set(this.#registrations().filter(({ session }) => session).length);
    });
    gauge(registry, 'subscriptions', 'Subscriptions of all sessions', [], async (subscriptions) => {
      subscriptions.set(
        this.#registrations().reduce((sum, { session }) => sum + (session?.subscriptions.size ?? 0), 0),
      );
    });
    if (store) {
      gauge(registry, 'store_bytes', 'Size of the store on its disk', [], async (bytes) =>
        bytes.set(await store.bytes()),
      );
      gauge(
        registry,
        'store_disk_full',
        "1 while the store's disk is full and publishes are refused",
        [],
        async (full) => full.set(Number(store.isDiskFull())),
      );
    }
    if (audit) {
      new Counter({
        name: 'meridian_bus_audit_lines_lost_total',
        help: 'Lines that the audit log could not take',
        registers: [registry],
        collect() {
          this.reset();
          this.inc(audit.linesLost);
        },
      });
    }
  }

  watch(registrations: () => readonly Registration[]): void {
    this.#registrations = registrations;
  }

  async append<T>(work: Promise<T>): Promise<T> {
    const startedMs = this.#options.scheduler.nowMs();
    try {
      return await work;
    } finally {
      this.#counters.appendSeconds.observe((this.#options.scheduler.nowMs() - startedMs) / 1_000);
    }
  }

  published(meta: Meta, outcome: StoredOutcome): void {
    this.#counters.publishes.inc({ outcome });
    if (outcome === 'refused') this.refused('publish');
    this.#note('message', meta, { receiver: '', outcome });
  }

  routed(kind: 'message' | 'call', meta: Meta, receiver: string): void {
    this.#note(kind, meta, { receiver, outcome: 'routed' });
    if (kind === 'call') return;
    const label = { receiver: this.#receivers.take(receiver) };
    this.#counters.deliveries.inc(label);
    const lagNs = this.#options.scheduler.wallTimeNs() - (meta?.publishedAtNs ?? 0n);
    // The sidecar's clock may be ahead of the bus's.
    this.#counters.lagSeconds.observe(label, Math.max(0, Number(lagNs / 1_000n) / 1e6));
  }

  deadLettered(meta: Meta, receiver: string): void {
    this.#counters.deadLetters.inc({ receiver: this.#receivers.take(receiver) });
    this.#note('message', meta, { receiver, outcome: 'dead_lettered' });
  }

  called(meta: Meta, outcome: CallEnding): void {
    this.#counters.calls.inc({ outcome });
    if (outcome === 'refused') this.refused('call');
    this.#note('call', meta, { receiver: '', outcome });
  }

  refused(kind: RefusedKind): void {
    this.#counters.refusals.inc({ kind });
  }

  leaseEnded(): void {
    this.#counters.leaseEnds.inc();
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

function createCounters(registry: Registry) {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Counter<L>({ name: `meridian_bus_${name}`, help, labelNames, registers });
  const seconds = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Histogram<L>({ name: `meridian_bus_${name}`, help, labelNames, buckets: latencyBuckets, registers });
  return {
    publishes: counter('publishes_total', 'Publishes by what the bus did with them', 'outcome'),
    appendSeconds: seconds('append_duration_seconds', 'How long the store took for one batch of publishes'),
    deliveries: counter('deliveries_total', 'Messages sent on to sidecars', 'receiver'),
    lagSeconds: seconds(
      'delivery_lag_seconds',
      'From publishing to sending on, by the clocks of both sides',
      'receiver',
    ),
    deadLetters: counter('dead_letters_total', 'Messages whose attempts were used up', 'receiver'),
    calls: counter('calls_total', 'Calls by how they ended', 'outcome'),
    refusals: counter('refusals_total', 'What was refused, by kind', 'kind'),
    leaseEnds: counter('lease_ends_total', 'Leases that ended because no heartbeat came'),
  };
}

function gauge<L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: L[],
  collect?: (gauge: Gauge<L>) => Promise<void>,
): Gauge<L> {
  return new Gauge<L>({
    name: `meridian_bus_${name}`,
    help,
    labelNames,
    registers: [registry],
    ...(collect && {
      collect() {
        return collect(this);
      },
    }),
  });
}
