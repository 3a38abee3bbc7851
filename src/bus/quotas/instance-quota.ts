import type { Scheduler } from '../../base/time/scheduler.ts';
import { limits } from '../../contract/wire/limits.ts';
import { type Applicant, rulesFor } from '../access/access-decision.ts';
import type { Policy } from '../access/policy.ts';
import type { Owner } from '../store/store.ts';
import { joinQuotas, type QuotaName, type Quotas } from './quotas.ts';
import { TokenBucket } from './token-bucket.ts';

/** An instance that is gone starts afresh after this long, which fills every bucket. */
const forgetAfterMs = 10_000;

/** One that drains and one that takes over write at the same time; an epoch before these does not any more. */
const epochsKept = 4n;

/** What one instance has taken of its quotas, whatever its epochs and sessions. */
export class InstanceQuota {
  readonly #scheduler: Scheduler;
  #limits: Quotas;
  #publishes: TokenBucket;
  #bytes: TokenBucket;
  #callsInFlight = 0;
  /** The sequences that were counted last, by epoch: what comes again after a lost session was counted before. */
  readonly #counted = new Map<bigint, Set<bigint>>();

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
    if (JSON.stringify(limits) === JSON.stringify(this.#limits)) return;
    this.#limits = limits;
    this.#publishes = new TokenBucket(limits.publishes_per_second, this.#scheduler.nowMs());
    this.#bytes = new TokenBucket(limits.bytes_per_second, this.#scheduler.nowMs());
  }

  /** Counts a publish; why it is refused, or undefined when it may be stored. */
  publishRefusal({ epoch }: Owner, { sequence, bytes }: { sequence: bigint; bytes: number }): string | undefined {
    if (this.#counted.get(epoch)?.has(sequence)) return undefined;
    const refusal =
      this.#rateRefusal('publishes_per_second', this.#publishes, 1) ??
      this.#rateRefusal('bytes_per_second', this.#bytes, bytes);
    if (refusal !== undefined) return refusal;
    const nowMs = this.#scheduler.nowMs();
    this.#publishes.take(1, nowMs);
    this.#bytes.take(bytes, nowMs);
    this.#remember(epoch, sequence);
    return undefined;
  }

  /** Why one more of what is counted is refused, when there are `open` already. */
  countRefusal(name: QuotaName, open: number): string | undefined {
    const limit = this.#limits[name];
    return open < limit ? undefined : `over the quota ${name}: there are ${open} already, and the limit is ${limit}`;
  }

  /** Counts a call until the returned function is called; or says why it is refused. */
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

  #remember(epoch: bigint, sequence: bigint): void {
    const counted = this.#counted.get(epoch) ?? new Set();
    this.#counted.set(epoch, counted.add(sequence));
    // A set keeps the order of insertion, so the oldest comes first.
    for (const oldest of counted) {
      if (counted.size <= limits.unsettledPublishes) break;
      counted.delete(oldest);
    }
    for (const earlier of this.#counted.keys()) if (earlier < epoch - epochsKept) this.#counted.delete(earlier);
  }

  #rateRefusal(name: QuotaName, bucket: TokenBucket, cost: number): string | undefined {
    const nowMs = this.#scheduler.nowMs();
    const waitMs = bucket.waitMs(cost, nowMs);
    if (waitMs === 0) return undefined;
    const value = Math.ceil(bucket.used(nowMs) + cost);
    return `over the quota ${name}: ${value} at once, where the limit is ${this.#limits[name]} a second and ${bucket.capacity} at once; there is room again in ${waitMs} ms`;
  }
}

/** The quotas of every instance that is, or was a moment ago, registered. */
export class InstanceQuotas {
  readonly #scheduler: Scheduler;
  readonly #quotas = new Map<string, { readonly quota: InstanceQuota; seenMs: number }>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** What an instance has taken so far, under these limits from now on. */
  of(instanceId: string, limits: Quotas): InstanceQuota {
    const seenMs = this.#scheduler.nowMs();
    const entry = this.#quotas.get(instanceId) ?? { quota: new InstanceQuota(this.#scheduler, limits), seenMs };
    entry.quota.limits = limits;
    this.#quotas.set(instanceId, entry);
    return entry.quota;
  }

  /** Forgets the instances that have not been registered for a while. */
  forget(isRegistered: (instanceId: string) => boolean): void {
    const nowMs = this.#scheduler.nowMs();
    for (const [instanceId, entry] of this.#quotas) {
      if (isRegistered(instanceId)) entry.seenMs = nowMs;
      else if (nowMs - entry.seenMs > forgetAfterMs) this.#quotas.delete(instanceId);
    }
  }
}

/** How much the subscriptions of an instance may hold back, whoever it is registered by, and the least that any may. */
export function backlogQuotasFor(policy: Policy): {
  readonly leastBytes: number;
  of(instanceId: string): { readonly messages: number; readonly bytes: number };
} {
  const all = [{}, ...policy.rules.map(({ quotas }) => quotas ?? {})].map((quotas) => joinQuotas([quotas]));
  return {
    leastBytes: Math.min(...all.map((quotas) => quotas.backlog_bytes)),
    of(instanceId) {
      const joined = quotasFor(policy, { instanceId });
      return { messages: joined.backlog_messages, bytes: joined.backlog_bytes };
    },
  };
}

/** What the rules that let somebody be an instance allow it to take. */
export function quotasFor(policy: Policy, applicant: Pick<Applicant, 'instanceId'> & Partial<Applicant>): Quotas {
  return joinQuotas(rulesFor(policy, applicant).flatMap(({ rule }) => rule.quotas ?? []));
}
