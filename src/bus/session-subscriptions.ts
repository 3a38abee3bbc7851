import { Gate } from '../base/gate.ts';
import type { Log } from '../base/log.ts';
import { type Delivery, EndReason, StartAt, type Subscribe } from '../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { admitsPattern, nearestHint, notGranted } from '../contract/wire/grants.ts';
import { patternFault } from '../contract/wire/topic.ts';
import type { QuotaName } from './quotas.ts';
import type { Registration } from './registration.ts';
import { StaleEpochError, type Store } from './store.ts';
import { SubscriptionFeed } from './subscription-feed.ts';

/** How many acknowledgements of one session may wait for the store. Beyond it the session is not read on. */
const acknowledgementsMax = 1_024;

/** Why a pattern may not be subscribed to or served. */
export interface PatternRefusal {
  readonly reason: EndReason;
  readonly detail: string;
}

/** Undefined when the registration may receive what the pattern matches. */
export function patternRefusal(registration: Registration, pattern: string): PatternRefusal | undefined {
  const fault = patternFault(pattern);
  if (fault !== undefined) return { reason: EndReason.INVALID, detail: `"${pattern}" is no pattern: ${fault}` };
  if (admitsPattern(registration.access.granted, 'subscribe', pattern)) return undefined;
  return {
    reason: EndReason.NOT_GRANTED,
    detail: `the bus has ${notGranted(registration.access, 'subscribe', pattern)}`,
  };
}

/** Why what was subscribed to or served ends; undefined when it is still granted. */
export function lossOf({ access }: Registration, pattern: string, cause: string): PatternRefusal | undefined {
  if (admitsPattern(access.granted, 'subscribe', pattern)) return undefined;
  const detail = `the subscribe grant for ${pattern} is gone: ${cause}; ${nearestHint(access.granted, 'subscribe', pattern)}`;
  return { reason: EndReason.NOT_GRANTED, detail };
}

/** Undefined when the registration may have one more of these. */
export function quotaRefusal({ quota }: Registration, name: QuotaName, open: number): PatternRefusal | undefined {
  const detail = quota.countRefusal(name, open);
  return detail === undefined ? undefined : { reason: EndReason.LIMIT, detail };
}

export interface SessionSubscriptionsOptions {
  readonly registration: Registration;
  readonly store: Store;
  readonly log: Log;
  readonly subscribed: (subscriptionId: number) => void;
  readonly ended: (subscriptionId: number, refusal: PatternRefusal) => void;
  /** The store failed. */
  readonly onFailure: (error: unknown) => void;
  readonly acknowledged: (subscriptionId: number, positions: readonly bigint[]) => void;
  /** Sends one delivery; resolves when there is room for the next. */
  readonly deliver: (delivery: Omit<Delivery, '$typeName' | '$unknown'>) => Promise<void>;
}

/** The subscriptions of one session. They wait until the session owns its instance id alone. */
export class SessionSubscriptions {
  readonly #options: SessionSubscriptionsOptions;
  readonly #feeds = new Map<number, SubscriptionFeed>();
  readonly #waiting = new Map<number, Subscribe>();
  readonly #room = new Gate(true);
  #acknowledging = 0;
  #delivering = false;

  constructor(options: SessionSubscriptionsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#delivering = true;
    for (const subscribe of this.#waiting.values()) this.#open(subscribe);
    this.#waiting.clear();
  }

  /** Delivers nothing more; what was delivered may still be acknowledged. */
  stop(): void {
    this.#delivering = false;
    for (const feed of this.#feeds.values()) feed.close();
  }

  get size(): number {
    return this.#feeds.size + this.#waiting.size;
  }

  isUsing(name: string): boolean {
    return [...this.#feeds.values()].some((feed) => feed.spec.name === name);
  }

  add(subscribe: Subscribe): void {
    const { registration, ended } = this.#options;
    const open = this.#feeds.size + this.#waiting.size;
    const refusal =
      patternRefusal(registration, subscribe.pattern) ?? quotaRefusal(registration, 'subscriptions', open);
    if (refusal) ended(subscribe.subscriptionId, refusal);
    else if (this.#delivering) this.#open(subscribe);
    else this.#waiting.set(subscribe.subscriptionId, subscribe);
  }

  /** Ends what is no longer granted. */
  endUngranted(cause: string): void {
    const open = [...this.#feeds].map(([id, { spec }]) => ({ id, pattern: spec.pattern }));
    const waiting = [...this.#waiting].map(([id, { pattern }]) => ({ id, pattern }));
    for (const { id, pattern } of [...open, ...waiting]) {
      const loss = lossOf(this.#options.registration, pattern, cause);
      if (!loss) continue;
      this.remove(id);
      this.#options.ended(id, loss);
    }
  }

  remove(subscriptionId: number): void {
    this.#waiting.delete(subscriptionId);
    this.#feeds.get(subscriptionId)?.close();
    this.#feeds.delete(subscriptionId);
  }

  addCredit(subscriptionId: number, more: { messages: number; bytes: number }): void {
    this.#feeds.get(subscriptionId)?.addCredit(more);
  }

  acknowledge(subscriptionId: number, positions: readonly bigint[]): void {
    // One that drains is delivered nothing, and may still acknowledge what an earlier session brought.
    const name = this.#feeds.get(subscriptionId)?.spec.name ?? this.#waiting.get(subscriptionId)?.name;
    if (name === undefined) return;
    this.#acknowledging += 1;
    this.#room.set(!this.isFull);
    void this.#acknowledge(subscriptionId, name, positions);
  }

  /** Whether as many acknowledgements wait for the store as may. */
  get isFull(): boolean {
    return this.#acknowledging >= acknowledgementsMax;
  }

  /** Resolves when more acknowledgements may be taken in. */
  room(): Promise<void> {
    return this.#room.opened();
  }

  async #acknowledge(subscriptionId: number, name: string, positions: readonly bigint[]): Promise<void> {
    const { store, registration, acknowledged, onFailure } = this.#options;
    try {
      await store.acknowledge(registration.owner, name, positions);
      acknowledged(subscriptionId, positions);
    } catch (error) {
      if (!(error instanceof StaleEpochError)) onFailure(error);
    }
    this.#acknowledging -= 1;
    this.#room.set(!this.isFull);
  }

  #open(subscribe: Subscribe): void {
    const { store, registration, log, deliver, subscribed } = this.#options;
    const { subscriptionId, name, pattern } = subscribe;
    const feed = new SubscriptionFeed({
      store,
      owner: registration.owner,
      spec: {
        name,
        pattern,
        start: subscribe.startAt === StartAt.TIME ? { kind: 'time', fromNs: subscribe.startTimeNs } : { kind: 'new' },
      },
      credit: { messages: subscribe.creditMessages, bytes: subscribe.creditBytes },
      deliver: async ({ message, maybeRedelivered, attempt }) => {
        // It may have been ended while the delivery was being recorded.
        if (this.#feeds.get(subscriptionId) !== feed) return;
        const { position, envelope, bytes: creditBytes } = message;
        await deliver({ subscriptionId, position, envelope, maybeRedelivered, attempt, creditBytes });
      },
      onOpen: () => subscribed(subscriptionId),
    });
    this.#feeds.get(subscriptionId)?.close();
    this.#feeds.set(subscriptionId, feed);
    feed.run().catch((error: unknown) => {
      if (!(error instanceof StaleEpochError)) log.error(`subscription ended: ${String(error)}`, { name });
      feed.close();
    });
  }
}
