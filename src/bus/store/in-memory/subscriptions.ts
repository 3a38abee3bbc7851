import type { DeliveryRecord, DeliveryTo, FailedDelivery } from '../deliveries.ts';
import { idleExpiryOf } from '../idle-expiry.ts';
import { rowBytes, textBytes } from '../retention.ts';
import {
  type ExpiryOptions,
  type Owner,
  type StoredSubscription,
  type SubscriptionKey,
  type SubscriptionPage,
  type SubscriptionProgress,
  type SubscriptionSpec,
  type SubscriptionWriter,
  TooManySubscriptionsError,
} from '../store.ts';
import { compareKeys, keeperOf, subscriptionText } from '../subscription-key.ts';

/** A delivery without an ack. */
export interface Pending {
  attempts: number;
  /** The epoch whose delivery is in flight. */
  deliveredBy: bigint | undefined;
  /** The member of a group to which it is in flight, or was last. */
  member?: string | undefined;
}

/** A subscription's cursor and its deliveries without an ack. */
export interface Subscription {
  readonly instanceId: string;
  readonly name: string;
  readonly pattern: string;
  cursor: bigint;
  readonly pending: Map<bigint, Pending>;
  idleExpiryMs: number | undefined;
  lastUsedMs: number;
}

/** The cursor and the unacknowledged deliveries of every subscription. */
export class Subscriptions {
  readonly #nowMs: () => number;
  readonly #subscriptions = new Map<string, Subscription>();
  #notKeptFor: ReadonlySet<string> = new Set();
  #bytes = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The size of all subscriptions' names and unacknowledged deliveries. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Finds the cursor stored under the name and pattern, or creates it at `startAfter`. @throws TooManySubscriptionsError */
  open(writer: SubscriptionWriter, spec: SubscriptionSpec, startAfter: () => bigint): SubscriptionProgress {
    const { name, pattern } = spec;
    const instanceId = keeperOf(writer);
    const key = subscriptionText({ instanceId, name });
    let subscription = this.#subscriptions.get(key);
    if (!subscription) this.#checkRoom(instanceId, spec);
    if (subscription?.pattern !== pattern) {
      const position = { cursor: startAfter(), pending: new Map<bigint, Pending>() };
      subscription = { instanceId, name, pattern, ...position, idleExpiryMs: undefined, lastUsedMs: 0 };
      this.#drop(key);
      this.#subscriptions.set(key, subscription);
      this.#bytes += sizeOf(subscription);
    }
    subscription.idleExpiryMs = spec.idleExpiryMs;
    subscription.lastUsedMs = this.#nowMs();
    const inHand = new Set(spec.inHand);
    const again: [bigint, number][] = [];
    const inFlight = new Map<bigint, DeliveryTo>();
    for (const [position, pending] of subscription.pending) {
      if (isWith(writer, pending)) settle(pending, writer, inHand.has(position));
      if (pending.deliveredBy === undefined) again.push([position, pending.attempts]);
      else inFlight.set(position, deliveryTo(writer, pending));
    }
    again.sort(([a], [b]) => (a < b ? -1 : 1));
    const { cursor } = subscription;
    return { cursor, pending: new Map(again), ...(writer.scope !== undefined && { inFlight }) };
  }

  subscriptionOf({ instanceId, name }: SubscriptionKey): Subscription | undefined {
    return this.#find(instanceId, name);
  }

  all(): Iterable<Readonly<Subscription>> {
    return this.#subscriptions.values();
  }

  /** Its idle time begins anew. */
  restore(stored: Omit<Subscription, 'lastUsedMs'>): void {
    const subscription = { ...stored, lastUsedMs: this.#nowMs() };
    this.#subscriptions.set(subscriptionText(stored), subscription);
    this.#bytes += sizeOf(subscription) + subscription.pending.size * rowBytes.delivery;
  }

  /** @throws TooManySubscriptionsError */
  #checkRoom(instanceId: string, { storedMax: limit }: SubscriptionSpec): void {
    if (limit === undefined) return;
    const stored = [...this.#subscriptions.values()].filter((each) => each.instanceId === instanceId).length;
    if (stored >= limit) throw new TooManySubscriptionsError({ stored, limit });
  }

  page({ instanceId: wanted, after, limit }: SubscriptionPage): StoredSubscription[] {
    return [...this.#subscriptions.values()]
      .filter((each) => wanted === undefined || each.instanceId === wanted)
      .filter((each) => !after || compareKeys(each, after) > 0)
      .sort(compareKeys)
      .slice(0, limit)
      .map(({ instanceId, name, pattern, pending, idleExpiryMs }) => ({
        instanceId,
        name,
        pattern,
        unacknowledged: pending.size,
        idleExpiryMs,
      }));
  }

  /** Whether there was one. */
  drop({ instanceId, name }: SubscriptionKey): boolean {
    return this.#drop(subscriptionText({ instanceId, name }));
  }

  #drop(key: string): boolean {
    const dropped = this.#subscriptions.get(key);
    if (!dropped) return false;
    this.#subscriptions.delete(key);
    this.#bytes -= sizeOf(dropped) + dropped.pending.size * rowBytes.delivery;
    return true;
  }

  recordDelivery(writer: SubscriptionWriter, name: string, delivery: DeliveryRecord): readonly bigint[] {
    const subscription = this.#find(keeperOf(writer), name);
    if (!subscription) return [];
    const { positions, cursor, to } = delivery;
    const { pending, cursor: passed } = subscription;
    const due: bigint[] = [];
    for (const [index, position] of positions.entries()) {
      const known = pending.get(position);
      if (position <= passed && !known) continue;
      due.push(position);
      if (!known) this.#bytes += rowBytes.delivery;
      const receiver = to ? to[index] : writer;
      const member = to && receiver?.instanceId;
      const attempts = (known?.attempts ?? 0) + (receiver ? 1 : 0);
      pending.set(position, { attempts, deliveredBy: receiver?.epoch, ...(member !== undefined && { member }) });
    }
    if (cursor > subscription.cursor) subscription.cursor = cursor;
    subscription.lastUsedMs = this.#nowMs();
    return due;
  }

  takeFromMembers(scope: string, name: string, members: readonly Owner[]): Map<bigint, number> {
    const again = new Map<bigint, number>();
    for (const [position, pending] of this.#find(scope, name)?.pending ?? []) {
      const { member, deliveredBy, attempts } = pending;
      if (!members.some(({ instanceId, epoch }) => instanceId === member && epoch === deliveredBy)) continue;
      pending.deliveredBy = undefined;
      again.set(position, attempts);
    }
    return again;
  }

  unacknowledged(instanceId: string, name: string): number {
    return this.#find(instanceId, name)?.pending.size ?? 0;
  }

  recordProgress(instanceId: string, name: string, cursor: bigint): void {
    const found = this.#find(instanceId, name);
    if (found && cursor > found.cursor) found.cursor = cursor;
  }

  acknowledge(instanceId: string, name: string, positions: readonly bigint[]): void {
    const pending = this.#find(instanceId, name)?.pending;
    for (const position of positions) if (pending?.delete(position)) this.#bytes -= rowBytes.delivery;
  }

  isPending(instanceId: string, name: string, position: bigint): boolean {
    return this.#find(instanceId, name)?.pending.has(position) ?? false;
  }

  requeue(writer: SubscriptionWriter, name: string, failed: readonly bigint[]): void {
    const isFailed = new Set(failed);
    for (const [position, pending] of this.#find(keeperOf(writer), name)?.pending ?? []) {
      if (!isWith(writer, pending)) continue;
      if (pending.deliveredBy !== undefined && !isFailed.has(position)) pending.attempts -= 1;
      pending.deliveredBy = undefined;
    }
  }

  nack(writer: SubscriptionWriter, name: string, failed: readonly FailedDelivery[]): Map<bigint, number> {
    const found = this.#find(keeperOf(writer), name);
    const again = new Map<bigint, number>();
    for (const { position, attempt } of failed) {
      const pending = found?.pending.get(position);
      if (!pending || !isWith(writer, pending)) continue;
      pending.attempts = attempt;
      pending.deliveredBy = undefined;
      again.set(position, attempt);
    }
    return again;
  }

  /** Forgets subscriptions that were idle for too long. Returns their number. */
  expire(options: ExpiryOptions): number {
    const nowMs = this.#nowMs();
    let expired = 0;
    for (const [key, subscription] of this.#subscriptions) {
      if (options.inUse(subscription.instanceId, subscription.name)) subscription.lastUsedMs = nowMs;
      if (nowMs - subscription.lastUsedMs <= idleExpiryOf(subscription.idleExpiryMs, options)) continue;
      this.#drop(key);
      expired += 1;
    }
    return expired;
  }

  /** The first position that a subscription has not finished. `end` if there is none. */
  neededFrom(end: bigint): bigint {
    let first = end;
    for (const [key, subscription] of this.#subscriptions) {
      if (!this.#notKeptFor.has(key)) first = earlier(first, heldFrom(subscription));
    }
    return first;
  }

  /** Where the backlog of each subscription begins. */
  held(): (SubscriptionKey & { readonly from: bigint })[] {
    return [...this.#subscriptions.values()].map((subscription) => {
      const { instanceId, name } = subscription;
      return { instanceId, name, from: heldFrom(subscription) };
    });
  }

  stopRetainingFor(keys: readonly SubscriptionKey[]): void {
    this.#notKeptFor = new Set(keys.map(subscriptionText));
  }

  #find(instanceId: string, name: string): Subscription | undefined {
    return this.#subscriptions.get(subscriptionText({ instanceId, name }));
  }
}

/** Whether the delivery is, or was last, one to this writer: of a group each member has its own. */
function isWith({ instanceId, scope }: SubscriptionWriter, { member }: Pending): boolean {
  return scope === undefined || member === instanceId;
}

/** Ends a delivery that the plugin does not have. It is an attempt unless this epoch delivered it. */
function settle(pending: Pending, { epoch }: Owner, isInHand: boolean): void {
  if (pending.deliveredBy === undefined) return;
  if (pending.deliveredBy === epoch && !isInHand) pending.attempts -= 1;
  pending.deliveredBy = isInHand ? epoch : undefined;
}

function deliveryTo({ instanceId }: Owner, { member, deliveredBy = 0n, attempts }: Pending): DeliveryTo {
  return { owner: { instanceId: member ?? instanceId, epoch: deliveredBy }, attempt: attempts };
}

/** The first unfinished position of the subscription. */
function heldFrom({ cursor, pending }: Subscription): bigint {
  let first = cursor + 1n;
  for (const position of pending.keys()) first = earlier(first, position);
  return first;
}

function earlier(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function sizeOf({ instanceId, name, pattern }: Subscription): number {
  return textBytes(instanceId, name, pattern);
}
