import type { Log } from '../../base/log/log.ts';
import type { Policy } from '../access/policy.ts';
import type { Backlog, Store } from '../store/store.ts';
import { subscriptionText } from '../store/subscription-key.ts';
import { backlogQuotasFor } from './instance-quota.ts';

export interface BacklogWatchOptions {
  readonly store: Store;
  readonly log: Log;
  readonly policy: () => Policy;
}

/**
 * Stops retaining messages for a subscription over its instance's quota: one dead subscriber must not fill the store. The subscription
 * keeps its cursor, gets the messages that are left, and learns how many it lost.
 */
export class BacklogWatch {
  readonly #options: BacklogWatchOptions;
  #over = new Set<string>();
  #looking = false;

  constructor(options: BacklogWatchOptions) {
    this.#options = options;
  }

  /** Does nothing while an earlier check is in progress. */
  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      await this.#look();
    } finally {
      this.#looking = false;
    }
  }

  async #look(): Promise<void> {
    const { store, log, policy } = this.#options;
    const quotas = backlogQuotasFor(policy());
    const over: Backlog[] = [];
    for (const backlog of await store.backlogs({ countBytesAbove: quotas.leastBytes })) {
      const { messages, bytes } = quotas.of(backlog.instanceId);
      if (backlog.messages <= messages && backlog.bytes <= bytes) continue;
      over.push(backlog);
      const { instanceId: instance, name } = backlog;
      if (this.#over.has(subscriptionText(backlog))) continue;
      log.warn('messages are no longer retained for a subscription whose backlog is over its quota', {
        ...{ instance, name, messages: backlog.messages, bytes: backlog.bytes },
        ...{ backlog_messages: messages, backlog_bytes: bytes },
      });
    }
    const keys = new Set(over.map(subscriptionText));
    const isChange = keys.size !== this.#over.size || [...keys].some((key) => !this.#over.has(key));
    this.#over = keys;
    if (isChange) await store.stopRetainingFor(over);
  }
}
