import { BoundedSeries } from '../../base/metrics/bounded-series.ts';
import { seriesOfEach } from '../../base/metrics/labelled.ts';
import { MetricRegistry } from '../../base/metrics/metric-registry.ts';
import type { Scheduler } from '../../base/time/scheduler.ts';
import { type CallEnding, callEndings } from '../../contract/wire/call-ending.ts';
import type { Delivery } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { Envelope } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { type PublishEnding, publishEndings, type SentMessage, type SidecarTelemetry } from './sidecar-telemetry.ts';

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

/** The bounds of all histograms. */
const latencySeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Counts events in its own registry. Labels contain topics and names of subscriptions, never the content of a message. */
export class SidecarMetrics implements SidecarTelemetry {
  readonly registry = new MetricRegistry('meridian_sidecar_');
  readonly topics: BoundedSeries<TopicSeries>;
  readonly subscriptions: BoundedSeries<SubscriptionSeries>;
  readonly #scheduler: Scheduler;
  readonly #plain = plainSeries(this.registry);
  #totals = { accepted: 0, delivered: 0, redelivered: 0, lost: 0 };

  constructor({ scheduler, topicsMax }: MetricsOptions) {
    this.#scheduler = scheduler;
    this.topics = new BoundedSeries(topicsMax, topicSeries(this.registry));
    this.subscriptions = new BoundedSeries(topicsMax, subscriptionSeries(this.registry));
  }

  get totals(): MessageTotals {
    return this.#totals;
  }

  published({ topic: name }: SentMessage, outcome: PublishEnding, elapsedMs: number): void {
    // A plugin can ask for any topic; only allowed ones get a label.
    const topic = outcome === 'refused' ? this.topics.known(name) : this.topics.take(name);
    topic.publishes[outcome].add();
    if (outcome !== 'accepted' && outcome !== 'duplicate') return;
    this.#totals.accepted += 1;
    topic.publishSeconds.observe(elapsedMs / 1_000);
  }

  called({ topic: name }: SentMessage, outcome: CallEnding, elapsedMs: number): void {
    const topic = outcome === 'refused' ? this.topics.known(name) : this.topics.take(name);
    topic.calls[outcome].add();
    if (outcome !== 'refused') topic.callSeconds.observe(elapsedMs / 1_000);
  }

  delivered(name: string, { envelope, maybeRedelivered }: Pick<Delivery, 'envelope' | 'maybeRedelivered'>): void {
    const subscription = this.subscriptions.take(name);
    this.#totals.delivered += 1;
    subscription.deliveries.add();
    if (maybeRedelivered) {
      this.#totals.redelivered += 1;
      subscription.redeliveries.add();
    }
    const { topic = '', publishedAtNs = 0n } = envelope?.meta ?? {};
    const lagMs = Number((this.#scheduler.wallTimeNs() - publishedAtNs) / 1_000n) / 1_000;
    // Another machine's clock may be ahead of this one's.
    this.topics.take(topic).lagSeconds.observe(Math.max(0, lagMs) / 1_000);
  }

  requested(envelope: Envelope | undefined): void {
    this.topics.take(envelope?.meta?.topic ?? '').requests.add();
  }

  acknowledged(subscription: string, count: number): void {
    this.subscriptions.take(subscription).acknowledgements.add(count);
  }

  lost(subscription: string, count: number): void {
    this.#totals.lost += count;
    this.subscriptions.take(subscription).lost.add(count);
  }

  healthCheckMissed(): void {
    this.#plain.healthCheckMisses.add();
  }

  heartbeat(): void {
    this.#plain.heartbeats.add();
  }

  refused(): void {
    this.#plain.refusals.add();
  }

  reconnected(): void {
    this.#plain.reconnects.add();
  }

  drained({ elapsedMs, publishesLeft }: { elapsedMs: number; publishesLeft: number }): void {
    this.#plain.drainSeconds.observe(elapsedMs / 1_000);
    this.#plain.drainLeft.add(publishesLeft);
  }
}

type TopicSeries = ReturnType<ReturnType<typeof topicSeries>>;
type SubscriptionSeries = ReturnType<ReturnType<typeof subscriptionSeries>>;

/** Adds what is counted by topic. Returns how the series of one are made, so that no count looks for its labels. */
function topicSeries(registry: MetricRegistry) {
  const seconds = (name: string, help: string) =>
    registry.histograms(name, help, { labels: ['topic'], bounds: latencySeconds });
  const publishes = registry.counters('publishes_total', 'Publishes of the plugin by outcome', ['topic', 'outcome']);
  const publishSeconds = seconds('publish_duration_seconds', 'Time from receiving a publish to its acceptance');
  const calls = registry.counters('calls_total', 'Calls of the plugin by outcome', ['topic', 'outcome']);
  const callSeconds = seconds('call_duration_seconds', 'Time from receiving a call to its end, without refused ones');
  const requests = registry.counters('requests_total', 'Requests of other plugins passed to the plugin', ['topic']);
  const lagSeconds = seconds('delivery_lag_seconds', 'Time from publishing to delivery, by the clocks of both sides');
  return (topic: string) => ({
    publishes: seriesOfEach(publishEndings, (outcome) => publishes.at(topic, outcome)),
    publishSeconds: publishSeconds.at(topic),
    calls: seriesOfEach(callEndings, (outcome) => calls.at(topic, outcome)),
    callSeconds: callSeconds.at(topic),
    requests: requests.at(topic),
    lagSeconds: lagSeconds.at(topic),
  });
}

/** Like `topicSeries`, for what is counted by subscription. */
function subscriptionSeries(registry: MetricRegistry) {
  const counters = (name: string, help: string) => registry.counters(name, help, ['subscription']);
  const deliveries = counters('deliveries_total', 'Messages delivered to the plugin');
  const redeliveries = counters('redeliveries_total', 'Deliveries marked as possible repeats');
  const acknowledgements = counters('acknowledgements_total', 'Acknowledgements that the bus stored');
  const lost = counters(
    'lost_messages_total',
    'Messages lost by v1 streams that were read too slowly and by subscriptions over their backlog quota',
  );
  return (subscription: string) => ({
    label: subscription,
    deliveries: deliveries.at(subscription),
    redeliveries: redeliveries.at(subscription),
    acknowledgements: acknowledgements.at(subscription),
    lost: lost.at(subscription),
  });
}

function plainSeries(registry: MetricRegistry) {
  return {
    reconnects: registry.counter('reconnects_total', 'Sessions with the bus that were reopened after a loss'),
    healthCheckMisses: registry.counter(
      'plugin_health_check_misses_total',
      'Health checks that the plugin failed or missed',
    ),
    heartbeats: registry.counter('plugin_heartbeats_total', 'Heartbeats of the plugin'),
    refusals: registry.counter(
      'plugin_port_refusals_total',
      'Connections and calls that the plugin port refused or ended because of a limit',
    ),
    drainSeconds: registry.histogram('drain_duration_seconds', 'How long draining the plugin took', latencySeconds),
    drainLeft: registry.counter('drain_left_publishes_total', 'Publishes without an answer when a drain ended'),
  };
}
