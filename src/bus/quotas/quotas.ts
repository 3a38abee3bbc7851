import { limits } from '../../contract/wire/limits.ts';
import { defaultRetention } from '../store/retention.ts';

/** How much one instance may take of the bus. Each is a whole number of at least 1; in a policy file they go by these names. */
export interface Quotas {
  readonly publishes_per_second: number;
  /** Of messages as they are encoded, with all their fields. */
  readonly bytes_per_second: number;
  /** Open at once. */
  readonly subscriptions: number;
  readonly servers: number;
  /** Calls of its own that wait for an answer. */
  readonly calls_in_flight: number;
  /** What one subscription may hold back in the log: everything from the first message that it has not finished with. */
  readonly backlog_messages: number;
  readonly backlog_bytes: number;
}

export type QuotaName = keyof Quotas;

/** What holds where no rule says otherwise: more than a plugin needs, and less than would take the bus from the others. */
export const defaultQuotas: Quotas = {
  publishes_per_second: 20_000,
  bytes_per_second: 64 * 1024 * 1024,
  subscriptions: limits.subscriptions,
  servers: 512,
  calls_in_flight: 1_024,
  backlog_messages: 1_000_000,
  backlog_bytes: defaultRetention.bytes / 2,
};

const quotaNames = Object.keys(defaultQuotas) as readonly QuotaName[];

/**
 * Reads the `quotas` of a rule; `fault` hears of every fault.
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
      fault(`${where}.quotas.subscriptions is ${value}; nobody may have more than ${limits.subscriptions}`);
    } else quotas[name] = value;
  }
  return quotas;
}

/** The quotas that several rules give together: of each the largest that one of them names. */
export function joinQuotas(given: readonly Partial<Quotas>[]): Quotas {
  const joined: Record<QuotaName, number> = { ...defaultQuotas };
  for (const name of quotaNames) {
    const named = given.flatMap((quotas) => quotas[name] ?? []);
    if (named.length > 0) joined[name] = Math.max(...named);
  }
  return joined;
}
