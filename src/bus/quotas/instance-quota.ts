import type { Scheduler } from '../../base/time/scheduler.ts';
import { limits } from '../../contract/wire/limits.ts';
import { type InstanceClaim, rulesFor } from '../access/access-decision.ts';
import type { Policy } from '../access/policy.ts';
import { scopeIn } from '../groups/group-scope.ts';
import type { Owner } from '../store/store.ts';
import { areSameQuotas, joinQuotas, type QuotaName, type Quotas } from './quotas.ts';
import { RecentSequences } from './recent-sequences.ts';
import { TokenBucket } from './token-bucket.ts';

/** An unregistered instance is forgotten after this long, which fills every bucket. */
const forgetAfterMs = 10_000;

/** A draining epoch and its successor may write at the same time. Older epochs may not. */
const epochsKept = 4n;

/** The publishes of one epoch. */
interface CountedPublishes {
  /** Those counted last: the ones that are resent after a lost session were counted before. */
  readonly recent: RecentSequences;
  /** The sidecar will send no publish below this any more, so the store recognises none of them as a repeat. */
  settledBelow: bigint;
}

/** The quota usage of one instance over all its epochs and sessions. */
export class InstanceQuota {
  readonly #scheduler: Scheduler;
  #limits: Quotas;
  #publishes: TokenBucket;
  #bytes: TokenBucket;
  #callsInFlight = 0;
  readonly #counted = new Map<bigint, CountedPublishes>();

  constructor(scheduler: Scheduler, quotas: Quotas) {
    this.#scheduler = scheduler;
    this.#limits = quotas;
    this.#publishes = new TokenBucket(quotas.publishes_per_second, scheduler.nowMs());
    this.#bytes = new TokenBucket(quotas.bytes_per_second, scheduler.nowMs());
  }

  get limits(): Quotas {
    return this.#limits;
  }

  set limits(limits: Quotas) {
    if (areSameQuotas(limits, this.#limits)) return;
    this.#limits = limits;
    this.#publishes = new TokenBucket(limits.publishes_per_second, this.#scheduler.nowMs());
    this.#bytes = new TokenBucket(limits.bytes_per_second, this.#scheduler.nowMs());
  }

  /** Counts a publish. Returns why it is refused, or undefined if it may be stored. */
  publishRefusal(
    { epoch }: Owner,
    { sequence, settledBelow, bytes }: { sequence: bigint; settledBelow: bigint; bytes: number },
  ): string | undefined {
    const counted = this.#countedOf(epoch);
    if (settledBelow > counted.settledBelow) counted.settledBelow = settledBelow;
    if (sequence < counted.settledBelow) {
      return `publish ${sequence} was sent after the sidecar had settled all below ${counted.settledBelow}`;
    }
    if (counted.recent.has(sequence)) return undefined;
    const nowMs = this.#scheduler.nowMs();
    const refusal =
      this.#rateRefusal('publishes_per_second', this.#publishes, { cost: 1, nowMs }) ??
      this.#rateRefusal('bytes_per_second', this.#bytes, { cost: bytes, nowMs });
    if (refusal !== undefined) return refusal;
    this.#publishes.take(1, nowMs);
    this.#bytes.take(bytes, nowMs);
    counted.recent.add(sequence);
    return undefined;
  }

  /** Why one more is refused when `count` exist. */
  countRefusal(name: QuotaName, count: number): string | undefined {
    const limit = this.#limits[name];
    return count < limit ? undefined : overCount(name, { count, limit });
  }

  /** Counts a call until the returned function is called, or returns why it is refused. */
  beginCall(): { readonly refusal: string } | { readonly refusal: undefined; readonly ended: () => void } {
    const refusal = this.countRefusal('calls_in_flight', this.#callsInFlight);
    if (refusal !== undefined) return { refusal };
    this.#callsInFlight += 1;
    return {
      refusal: undefined,
      ended: () => {
        this.#callsInFlight -= 1;
      },
    };
  }

  #countedOf(epoch: bigint): CountedPublishes {
    const known = this.#counted.get(epoch);
    if (known) return known;
    const counted = { recent: new RecentSequences(limits.unsettledPublishes), settledBelow: 0n };
    this.#counted.set(epoch, counted);
    for (const earlier of this.#counted.keys()) if (earlier < epoch - epochsKept) this.#counted.delete(earlier);
    return counted;
  }

  #rateRefusal(
    name: QuotaName,
    bucket: TokenBucket,
    { cost, nowMs }: { readonly cost: number; readonly nowMs: number },
  ): string | undefined {
    const waitMs = bucket.waitMs(cost, nowMs);
    if (waitMs === 0) return undefined;
    const value = Math.ceil(bucket.used(nowMs) + cost);
    return `over the quota ${name}: ${value} at once, where the limit is ${this.#limits[name]} a second and ${bucket.capacity} at once; there is room again in ${waitMs} ms`;
  }
}

/** Why one more is refused, for a person. */
export function overCount(
  name: QuotaName,
  { count, limit }: { readonly count: number; readonly limit: number },
): string {
  return `over the quota ${name}: there are ${count} already, and the limit is ${limit}`;
}

/** The quotas of every instance that is registered or was so recently. */
export class InstanceQuotas {
  readonly #scheduler: Scheduler;
  readonly #quotas = new Map<string, { readonly quota: InstanceQuota; seenMs: number }>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** The usage of an instance, with these limits applied. */
  of(instanceId: string, limits: Quotas): InstanceQuota {
    const seenMs = this.#scheduler.nowMs();
    const entry = this.#quotas.get(instanceId) ?? { quota: new InstanceQuota(this.#scheduler, limits), seenMs };
    entry.quota.limits = limits;
    this.#quotas.set(instanceId, entry);
    return entry.quota;
  }

  /** Forgets instances that have been unregistered for a while. */
  forget(isRegistered: (instanceId: string) => boolean): void {
    const nowMs = this.#scheduler.nowMs();
    for (const [instanceId, entry] of this.#quotas) {
      if (isRegistered(instanceId)) entry.seenMs = nowMs;
      else if (nowMs - entry.seenMs > forgetAfterMs) this.#quotas.delete(instanceId);
    }
  }
}

/** The backlog quotas of an instance for any principal that may register it, or of a group's scope, and the smallest of all. */
export function backlogQuotasFor(policy: Policy): {
  readonly leastBytes: number;
  of(keeper: string): { readonly messages: number; readonly bytes: number };
} {
  const all = [{}, ...policy.rules.map(({ quotas }) => quotas ?? {})].map((quotas) => joinQuotas([quotas]));
  return {
    leastBytes: Math.min(...all.map((quotas) => quotas.backlog_bytes)),
    of(keeper) {
      const joined = quotasFor(policy, scopeIn(keeper) ?? { instanceId: keeper });
      return { messages: joined.backlog_messages, bytes: joined.backlog_bytes };
    },
  };
}

/** The quotas of a claim, by the rules that allow it. */
export function quotasFor(policy: Policy, claim: Partial<InstanceClaim>): Quotas {
  return joinQuotas(rulesFor(policy, claim).flatMap(({ rule }) => rule.quotas ?? []));
}
