import type { SubscriptionKey, SubscriptionWriter } from './store.ts';

/** Whose subscriptions it writes: the first half of their keys. */
export function keeperOf({ instanceId, scope }: SubscriptionWriter): string {
  return scope ?? instanceId;
}

/** The text by which a subscription is found in a map. It is unique, because neither an instance id nor a scope holds a blank. */
export function subscriptionText({ instanceId, name }: SubscriptionKey): string {
  return `${instanceId} ${name}`;
}

/** The order of subscriptions: by instance id, then by name. */
export function compareKeys(one: SubscriptionKey, other: SubscriptionKey): number {
  return compareTexts(one.instanceId, other.instanceId) || compareTexts(one.name, other.name);
}

function compareTexts(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

/** The entries of these subscriptions; of all when `keys` is absent. */
export function amongSubscriptions<T extends SubscriptionKey>(
  entries: readonly T[],
  keys: readonly SubscriptionKey[] | undefined,
): readonly T[] {
  if (!keys) return entries;
  const wanted = new Set(keys.map(subscriptionText));
  return entries.filter((each) => wanted.has(subscriptionText(each)));
}
