import type { SubscriptionKey } from './store.ts';

/** The text by which a subscription is found in a map. It is unique, because an instance id holds no blank. */
export function subscriptionText({ instanceId, name }: SubscriptionKey): string {
  return `${instanceId} ${name}`;
}
