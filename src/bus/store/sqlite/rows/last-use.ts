import type { Scheduler } from '../../../../base/time/scheduler.ts';
import { idleExpiryOf } from '../../idle-expiry.ts';
import type { ExpiryOptions, SubscriptionKey } from '../../store.ts';
import { subscriptionText } from '../../subscription-key.ts';

export type Expiring = SubscriptionKey & { readonly idleExpiryMs: number | undefined };

/**
 * When each subscription was last used, on the monotonic clock. It is not stored: a subscription is not idle while the bus is down, so
 * each starts anew when the store is opened.
 */
export class LastUse {
  readonly #scheduler: Scheduler;
  readonly #lastUsed = new Map<string, Expiring & { readonly ms: number }>();

  constructor(scheduler: Scheduler, subscriptions: readonly Expiring[]) {
    this.#scheduler = scheduler;
    for (const subscription of subscriptions) this.used(subscription, subscription);
  }

  has(key: SubscriptionKey): boolean {
    return this.#lastUsed.has(subscriptionText(key));
  }

  /** Without an expiry the one from before stays. */
  used(key: SubscriptionKey, expiry?: Pick<Expiring, 'idleExpiryMs'>): void {
    const { idleExpiryMs } = expiry ?? this.#lastUsed.get(subscriptionText(key)) ?? { idleExpiryMs: undefined };
    const { instanceId, name } = key;
    this.#lastUsed.set(subscriptionText(key), { instanceId, name, idleExpiryMs, ms: this.#scheduler.nowMs() });
  }

  forget(key: SubscriptionKey): void {
    this.#lastUsed.delete(subscriptionText(key));
  }

  /** Forgets those that were idle for longer than their expiry, and returns them. Those in use count as used now. */
  takeIdle(options: ExpiryOptions): SubscriptionKey[] {
    const nowMs = this.#scheduler.nowMs();
    const idle = [...this.#lastUsed.values()].filter((key) => {
      if (options.inUse(key.instanceId, key.name)) this.used(key);
      else return nowMs - key.ms > idleExpiryOf(key.idleExpiryMs, options);
      return false;
    });
    for (const key of idle) this.forget(key);
    return idle.map(({ instanceId, name }) => ({ instanceId, name }));
  }
}
