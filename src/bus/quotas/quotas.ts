import { limits } from '../../contract/wire/limits.ts';
import { defaultRetention } from '../store/retention.ts';

/** How much of the bus one instance may use. Each is a whole number of at least 1. A policy file uses these names. */
export interface Quotas {
  readonly publishes_per_second: number;
  /** Counts encoded messages with all their fields. */
  readonly bytes_per_second: number;
  /** Concurrently open. */
  readonly subscriptions: number;
  /** Names with a stored cursor, whether or not the subscription is open. */
  readonly stored_subscriptions: number;
  readonly servers: number;
  /** Its own calls that wait for an answer. */
  readonly calls_in_flight: number;
  /** The messages retained for one subscription: everything from the first unfinished message. */
  readonly backlog_messages: number;
  readonly backlog_bytes: number;
}

export type QuotaName = keyof Quotas;

/** The quotas where rules set none: more than a plugin needs, and small enough to leave the bus usable for others. */
export const defaultQuotas: Quotas = {
  publishes_per_second: 20_000,
  bytes_per_second: 64 * 1024 * 1024,
  subscriptions: limits.subscriptions,
  // Enough for a plugin that renames every subscription at a release.
  stored_subscriptions: 2 * limits.subscriptions,
  servers: 512,
  calls_in_flight: 1_024,
  backlog_messages: 1_000_000,
  backlog_bytes: defaultRetention.bytes / 2,
};

const quotaNames = Object.keys(defaultQuotas) as readonly QuotaName[];

/**
 * Reads the `quotas` of a rule and calls `fault` for every error.
 *
 * ```yaml
 * quotas: {publishes_per_second: 100, bytes_per_second: 1048576}
 * ```
 */
export function parseQuotas(raw: unknown, where: string, fault: (found: string) => void): Partial<Quotas> {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    fault(`${where}.quotas is not a mapping of the names of quotas to numbers`);
    return {};
  }
  const quotas: Partial<Record<QuotaName, number>> = {};
  for (const [key, value] of Object.entries(raw)) {
    const name = quotaNames.find((each) => each === key);
    if (name === undefined) fault(`${where}.quotas has an unknown key \`${key}\`; there are ${quotaNames.join(', ')}`);
    else if (!Number.isSafeInteger(value) || value < 1) fault(`${where}.quotas.${key} is not a whole number from 1 up`);
    else if (name === 'subscriptions' && value > limits.subscriptions) {
      fault(`${where}.quotas.subscriptions is ${value}; the limit is ${limits.subscriptions}`);
    } else quotas[name] = value;
  }
  return quotas;
}

/** The combined quotas of several rules: the largest value of each. */
export function joinQuotas(given: readonly Partial<Quotas>[]): Quotas {
  const joined: Record<QuotaName, number> = { ...defaultQuotas };
  for (const name of quotaNames) {
    const named = given.flatMap((quotas) => quotas[name] ?? []);
    if (named.length > 0) joined[name] = Math.max(...named);
  }
  return joined;
}

export function areSameQuotas(one: Quotas, other: Quotas): boolean {
  return quotaNames.every((name) => one[name] === other[name]);
}
