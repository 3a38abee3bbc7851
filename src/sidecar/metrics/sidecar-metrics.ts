import { Counter, Histogram, Registry } from 'prom-client';
import { BoundedLabels } from '../../base/bounded-labels.ts';
import type { Scheduler } from '../../base/time/scheduler.ts';
import type { CallEnding } from '../../contract/wire/call-ending.ts';
import type { Delivery } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { Envelope } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import type { PublishEnding, SentMessage, SidecarTelemetry } from './sidecar-telemetry.ts';

export interface MetricsOptions {
  readonly scheduler: Scheduler;
  /** The most distinct topics, and distinct subscriptions, that get their own series. */
  readonly topicsMax: number;
}

/** Counts of messages by outcome since the sidecar started. */
export interface MessageTotals {
  readonly accepted: number;
  readonly delivered: number;
  readonly redelivered: number;
  readonly lost: number;
}

const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Counts events in its own registry. Labels contain topics and names of subscriptions, never the content of a message. */
export class SidecarMetrics implements SidecarTelemetry {
  readonly registry = new Registry();
  readonly topics: BoundedLabels;
  readonly subscriptions: BoundedLabels;
  readonly #scheduler: Scheduler;
  readonly #counters = createCounters(this.registry);
  #totals = { accepted: 0, delivered: 0, redelivered: 0, lost: 0 };

  constructor({ scheduler, topicsMax }: MetricsOptions) {
    this.#scheduler = scheduler;
    this.topics = new BoundedLabels(topicsMax);
    this.subscriptions = new BoundedLabels(topicsMax);
  }

  get totals(): MessageTotals {
    return this.#totals;
  }

  published({ topic: name }: SentMessage, outcome: PublishEnding, elapsedMs: number): void {
    // A plugin can ask for any topic; only allowed ones get a label.
    const topic = outcome === 'refused' ? this.topics.known(name) : this.topics.take(name);
    this.#counters.publishes.inc({ topic, outcome });
    if (outcome !== 'accepted' && outcome !== 'duplicate') return;
    this.#totals.accepted += 1;
    this.#counters.publishSeconds.observe({ topic }, elapsedMs / 1_000);
  }

  called({ topic: name }: SentMessage, outcome: CallEnding, elapsedMs: number): void {
    const topic = outcome === 'refused' ? this.topics.known(name) : this.topics.take(name);
    this.#counters.calls.inc({ topic, outcome });
    if (outcome !== 'refused') this.#counters.callSeconds.observe({ topic }, elapsedMs / 1_000);
  }

  delivered(name: string, { envelope, maybeRedelivered }: Pick<Delivery, 'envelope' | 'maybeRedelivered'>): void {
    const subscription = this.subscriptions.take(name);
    this.#totals.delivered += 1;
    this.#counters.deliveries.inc({ subscription });
    if (maybeRedelivered) {
      this.#totals.redelivered += 1;
      this.#counters.redeliveries.inc({ subscription });
    }
    const { topic = '', publishedAtNs = 0n } = envelope?.meta ?? {};
    const lagMs = Number((this.#scheduler.wallTimeNs() - publishedAtNs) / 1_000n) / 1_000;
    // Another machine's clock may be ahead of this one's.
    this.#counters.lagSeconds.observe({ topic: this.topics.take(topic) }, Math.max(0, lagMs) / 1_000);
  }

  requested(envelope: Envelope | undefined): void {
    this.#counters.requests.inc({ topic: this.topics.take(envelope?.meta?.topic ?? '') });
  }

  acknowledged(subscription: string, count: number): void {
    this.#counters.acknowledgements.inc({ subscription: this.subscriptions.take(subscription) }, count);
  }

  lost(subscription: string, count: number): void {
    this.#totals.lost += count;
    this.#counters.lost.inc({ subscription: this.subscriptions.take(subscription) }, count);
  }

  healthCheckMissed(): void {
    this.#counters.healthCheckMisses.inc();
  }

  heartbeat(): void {
    this.#counters.heartbeats.inc();
  }

  reconnected(): void {
    this.#counters.reconnects.inc();
  }

  drained({ elapsedMs, publishesLeft }: { elapsedMs: number; publishesLeft: number }): void {
    this.#counters.drainSeconds.observe(elapsedMs / 1_000);
    this.#counters.drainLeft.inc(publishesLeft);
  }
}

function createCounters(registry: Registry) {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Counter<L>({ name: `meridian_sidecar_${name}`, help, labelNames, registers });
  const seconds = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Histogram<L>({ name: `meridian_sidecar_${name}`, help, labelNames, buckets: latencyBuckets, registers });
  return {
    publishes: counter('publishes_total', "The plugin's publishes by how they ended", 'topic', 'outcome'),
    publishSeconds: seconds('publish_duration_seconds', 'From taking a publish in to its acceptance', 'topic'),
    calls: counter('calls_total', "The plugin's calls by how they ended", 'topic', 'outcome'),
    callSeconds: seconds('call_duration_seconds', 'From taking a call in to its end, refused ones left out', 'topic'),
    requests: counter('requests_total', 'Requests of other plugins handed to the plugin', 'topic'),
    deliveries: counter('deliveries_total', 'Messages handed to the plugin', 'subscription'),
    redeliveries: counter('redeliveries_total', 'Deliveries marked as possible repeats', 'subscription'),
    acknowledgements: counter('acknowledgements_total', 'Acknowledgements that the bus stored', 'subscription'),
    lost: counter(
      'lost_messages_total',
      'Messages lost by v1 streams that were read too slowly and by subscriptions over their backlog quota',
      'subscription',
    ),
    lagSeconds: seconds(
      'delivery_lag_seconds',
      'From publishing to handing over, by the clocks of both sides',
      'topic',
    ),
    reconnects: counter('reconnects_total', 'Sessions with the bus that were made again after a loss'),
    healthCheckMisses: counter('plugin_health_check_misses_total', 'Health checks that the plugin failed or missed'),
    heartbeats: counter('plugin_heartbeats_total', 'Heartbeats of the plugin'),
    drainSeconds: seconds('drain_duration_seconds', 'How long draining the plugin took'),
    drainLeft: counter('drain_left_publishes_total', 'Publishes without an answer when a drain ended'),
  };
}
