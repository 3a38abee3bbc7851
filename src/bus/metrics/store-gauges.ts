import { within } from '../../base/async/within.ts';
import { otherLabel } from '../../base/metrics/bounded-series.ts';
import type { MetricRegistry } from '../../base/metrics/metric-registry.ts';
import type { Scheduler } from '../../base/time/scheduler.ts';
import type { Store, StoreUsage } from '../store/store.ts';

/** Subscriptions with series of their own: those with the largest backlog. */
const subscriptionsMax = 100;
/** A scrape waits so long for a store, which may wait for NATS. Then it tells what was last known. */
const lookTimeoutMs = 1_000;

type LookedAt = Pick<Store, 'usage' | 'backlogs' | 'get'>;

export interface StoreGaugeOptions {
  readonly registry: MetricRegistry;
  readonly scheduler: Scheduler;
  /** Undefined while this process stands by. */
  readonly store: () => LookedAt | undefined;
}

/** What is retained for a subscription. */
interface Held {
  readonly instanceId: string;
  readonly name: string;
  readonly messages: number;
  /** Of the oldest message. */
  readonly ageSeconds: number;
}

interface Seen {
  readonly usage: StoreUsage;
  /** The largest first. */
  readonly held: readonly Held[];
}

const nothing: Seen = { usage: { messages: 0, bytes: 0, limitBytes: 0, lastPosition: 0n }, held: [] };

/** Adds gauges of what the store holds. One look at the store serves all gauges of a scrape. */
export function addStoreGauges({ registry, scheduler, store }: StoreGaugeOptions): void {
  let seen = nothing;
  let looking: Promise<void> | undefined;
  const look = async (): Promise<void> => {
    const open = store();
    if (!open) {
      seen = nothing;
      return;
    }
    looking ??= seenIn(open, scheduler.wallTimeNs())
      .then((found) => {
        seen = found;
      })
      .finally(() => {
        looking = undefined;
      });
    await within(scheduler, lookTimeoutMs, looking);
  };
  // This gauge is read first.
  registry.gauge('store_used_bytes', 'What is stored, as it counts against the limit', async () => {
    await look();
    return seen.usage.bytes;
  });
  registry.gauge('store_limit_bytes', 'The limit of what is stored', () => seen.usage.limitBytes);
  registry.gauge('store_messages', 'Messages that are stored', () => seen.usage.messages);
  // Prometheus has a label of its own that is named `instance`.
  const labels = ['receiver', 'subscription'] as const;
  registry.gauges('subscription_backlog_messages', 'Messages that are retained for a subscription, of any topic', {
    labels,
    read(show) {
      for (const [index, { instanceId, name, messages }] of seen.held.entries()) {
        if (index < subscriptionsMax) show(messages, instanceId, name);
        else show(messages, otherLabel, otherLabel);
      }
    },
  });
  registry.gauges('subscription_oldest_message_age_seconds', 'Age of the oldest message that is retained for it', {
    labels,
    read(show) {
      for (const { instanceId, name, ageSeconds } of seen.held.slice(0, subscriptionsMax)) {
        show(ageSeconds, instanceId, name);
      }
    },
  });
}

async function seenIn(store: LookedAt, nowNs: bigint): Promise<Seen> {
  const [usage, backlogs] = await Promise.all([
    store.usage(),
    store.backlogs({ countBytesAbove: Number.POSITIVE_INFINITY }),
  ]);
  const sorted = [...backlogs].sort((one, other) => other.messages - one.messages);
  const held = sorted.map(async ({ instanceId, name, messages }, index): Promise<Held> => {
    // Positions have no gaps.
    const position = usage.lastPosition - BigInt(messages) + 1n;
    const oldest = index < subscriptionsMax ? await store.get(position) : undefined;
    const ageNs = oldest ? nowNs - oldest.publishedAtNs : 0n;
    return { instanceId, name, messages, ageSeconds: Math.max(0, Number(ageNs / 1_000_000n) / 1_000) };
  });
  return { usage, held: await Promise.all(held) };
}
