import { version } from '../../base/version.ts';
import { approvalCommand } from '../../contract/wire/topics/approval-command.ts';
import type { Bus } from '../bus.ts';
import type { Registration } from '../ownership/registration.ts';
import type { Store, StoredSubscription } from '../store/store.ts';
import { subscriptionText } from '../store/subscription-key.ts';
import { consoleLimits } from './console-limits.ts';
import type { ConsoleRecorder } from './console-recorder.ts';
import type { Traffic } from './traffic.ts';

/** What the console looks at. */
export interface ConsoleSource {
  readonly bus: Pick<Bus, 'registry' | 'grants' | 'isUsed'>;
  readonly store: Pick<Store, 'storedSubscriptions' | 'backlogs'>;
  /** Where the store is, for people. */
  readonly place: string;
  readonly recorder: ConsoleRecorder;
  readonly nowMs: () => number;
  readonly wallTimeNs: () => bigint;
}

/** What the store tells of subscriptions at one moment. */
export interface StoredNow {
  readonly subscriptions: readonly StoredSubscription[];
  readonly hasMore: boolean;
  /** How many messages wait, by the text of the subscription. Absent: none. */
  readonly lags: ReadonlyMap<string, number>;
  /** The same for each instance id or scope. */
  readonly lagOf: ReadonlyMap<string, number>;
}

export async function readStored({ store }: ConsoleSource): Promise<StoredNow> {
  const [found, backlogs] = await Promise.all([
    store.storedSubscriptions({ limit: consoleLimits.rows + 1 }),
    store.backlogs({ countBytesAbove: Number.POSITIVE_INFINITY }),
  ]);
  const lagOf = new Map<string, number>();
  for (const { instanceId, messages } of backlogs) lagOf.set(instanceId, (lagOf.get(instanceId) ?? 0) + messages);
  return {
    subscriptions: found.slice(0, consoleLimits.rows),
    hasMore: found.length > consoleLimits.rows,
    lags: new Map(backlogs.map((each) => [subscriptionText(each), each.messages])),
    lagOf,
  };
}

/** Everything that the page shows beside its plots. */
export function stateOf(source: ConsoleSource, stored: StoredNow) {
  const { bus, recorder, place, wallTimeNs } = source;
  const registrations = bus.registry.all().sort(byInstance);
  const grants = registrations.flatMap(waitingOf);
  return {
    atMs: Number(wallTimeNs() / 1_000_000n),
    bus: { version, deployment: cut(bus.grants.policy.deploymentId), store: cut(place) },
    instances: rowsOf(registrations, (each) => instanceOf(each, stored, source.nowMs())),
    grants: rowsOf(grants, (grant) => grant),
    topics: rowsOf(recorder.topics.all(), ([name, { published, delivered }]) => ({
      ...{ name: cut(name), published, delivered },
    })),
    subscriptions: {
      ...rowsOf(stored.subscriptions, (each) => ({
        key: cut(subscriptionText(each)),
        ...{ keeper: cut(each.instanceId), name: cut(each.name), pattern: cut(each.pattern) },
        ...{ inUse: bus.isUsed(each), unacknowledged: each.unacknowledged },
        lag: stored.lags.get(subscriptionText(each)) ?? 0,
      })),
      ...(stored.hasMore && { more: 1 }),
    },
    deadLetters: { rows: recorder.deadLetters.entries.map(cutTexts), total: recorder.deadLetters.total },
    problems: { rows: recorder.problems.entries.map(cutTexts), total: recorder.problems.total },
  };
}

/** The samples of the last hour. */
export function hourOf({ recorder }: ConsoleSource) {
  const ringsOf = ({ publishedPerS, deliveredPerS, latencyMs, lag }: Traffic) => ({
    ...{ published: publishedPerS.values(), delivered: deliveredPerS.values() },
    ...{ latency: latencyMs.values(), lag: lag.values() },
  });
  return {
    topics: recorder.topics.all().map(([name, traffic]) => [cut(name), ringsOf(traffic)] as const),
    subscriptions: recorder.subscriptions.all().map(([name, traffic]) => [cut(name), ringsOf(traffic)] as const),
  };
}

/** The newest sample of each. */
export function sampleOf({ recorder }: ConsoleSource) {
  const newestOf = ({ publishedPerS, deliveredPerS, latencyMs, lag }: Traffic) => ({
    ...{ published: publishedPerS.newest, delivered: deliveredPerS.newest },
    ...{ latency: latencyMs.newest, lag: lag.newest },
  });
  return {
    topics: recorder.topics.all().map(([name, traffic]) => [cut(name), newestOf(traffic)] as const),
    subscriptions: recorder.subscriptions.all().map(([name, traffic]) => [cut(name), newestOf(traffic)] as const),
  };
}

function instanceOf(registration: Registration, { lagOf }: StoredNow, nowMs: number) {
  const { owner, phase, poolType, version: plugin, principal, session, leaseEndsMs } = registration;
  return {
    instance: cut(owner.instanceId),
    epoch: `${owner.epoch}`,
    state: phase,
    pool: cut(poolType),
    version: cut(plugin),
    principal: cut(principal),
    connected: session !== undefined,
    leaseMs: Math.max(0, Math.round(leaseEndsMs - nowMs)),
    subscriptions: session?.subscriptions.size ?? 0,
    lag: lagOf.get(owner.instanceId) ?? 0,
  };
}

function waitingOf({ owner: { instanceId }, access }: Registration) {
  return access.judged
    .filter(({ standing }) => standing === 'undecided')
    .map(({ action, pattern, why }) => ({
      instance: cut(instanceId),
      action,
      pattern: cut(pattern),
      why: cut(why),
      command: approvalCommand(instanceId, [{ action, pattern }]),
    }));
}

function rowsOf<T, Row>(all: readonly T[], row: (each: T) => Row): { readonly rows: Row[]; readonly more: number } {
  const { rows } = consoleLimits;
  return { rows: all.slice(0, rows).map(row), more: Math.max(0, all.length - rows) };
}

function byInstance({ owner: one }: Registration, { owner: other }: Registration): number {
  if (one.instanceId !== other.instanceId) return one.instanceId < other.instanceId ? -1 : 1;
  return Number(one.epoch - other.epoch);
}

function cutTexts<T extends object>(entry: T): T {
  return Object.fromEntries(
    Object.entries(entry).map(([key, value]) => [key, typeof value === 'string' ? cut(value) : value]),
  ) as T;
}

function cut(text: string): string {
  return text.length > consoleLimits.text ? `${text.slice(0, consoleLimits.text)}…` : text;
}
