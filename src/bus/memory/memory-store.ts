import { toBinary } from '@bufbuild/protobuf';
import type { Scheduler } from '../../base/scheduler.ts';
import { EnvelopeSchema } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { defaultDedupWindowMs, defaultRetention, type RetentionOptions } from '../retention.ts';
import {
  type Appended,
  type GrantDecision,
  type NewMessage,
  type Owner,
  RevisionConflictError,
  type Start,
  type StateChange,
  type Store,
  type StoredMessage,
  type StoredOwner,
  type StoredState,
  StoreFullError,
  type SubscriptionPosition,
  type SubscriptionSpec,
} from '../store.ts';
import { Deduplication } from './deduplication.ts';
import { MessageLog } from './message-log.ts';
import { Ownership } from './ownership.ts';

export interface MemoryStoreOptions {
  readonly scheduler: Scheduler;
  readonly dedupWindowMs?: number;
  readonly retention?: RetentionOptions;
}

interface Subscription {
  readonly instanceId: string;
  readonly name: string;
  pattern: string;
  scannedTo: bigint;
  readonly pending: Map<bigint, number>;
  lastUsedMs: number;
}

/** Keeps everything in this process: accepted means stored here, and lost when it ends. */
export class MemoryStore implements Store {
  readonly #scheduler: Scheduler;
  readonly #ownership: Ownership;
  readonly #log: MessageLog;
  readonly #deduplication: Deduplication;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #states = new Map<string, StoredState>();
  readonly #decisions = new Map<string, GrantDecision>();
  readonly #listeners = new Set<() => void>();

  constructor(options: MemoryStoreOptions) {
    this.#scheduler = options.scheduler;
    this.#ownership = new Ownership(() => this.#scheduler.wallTimeNs() / 1_000_000n);
    // Counting on from the clock keeps positions ascending when the process starts anew: a sidecar that still holds
    // messages of the store before must not take new ones for them.
    this.#log = new MessageLog(options.retention ?? defaultRetention, this.#scheduler.wallTimeNs() / 1_000n);
    this.#deduplication = new Deduplication(options.dedupWindowMs ?? defaultDedupWindowMs);
  }

  async reserve(instanceId: string, start: Start): Promise<bigint> {
    return this.#ownership.reserve(instanceId, start);
  }

  async ownerOf(instanceId: string): Promise<StoredOwner | undefined> {
    return this.#ownership.ownerOf(instanceId);
  }

  async activate(owner: Owner): Promise<{ draining: bigint | undefined }> {
    return { draining: this.#ownership.activate(owner) };
  }

  async fence(owner: Owner): Promise<void> {
    this.#ownership.fence(owner);
    this.#deduplication.forget(owner);
  }

  async mayWrite(owner: Owner): Promise<boolean> {
    return this.#ownership.mayWrite(owner);
  }

  async append(owner: Owner, messages: readonly NewMessage[]): Promise<readonly Appended[]> {
    this.#ownership.check(owner);
    const sizes = messages.map((message) => toBinary(EnvelopeSchema, message.envelope).length);
    const isStored = messages.map((message) => this.#deduplication.storedEarlier(owner, message) !== undefined);
    const bytesToCome = sizes.reduce((sum, size, index) => (isStored[index] ? sum : sum + size), 0);
    if (!this.#log.fits(bytesToCome)) this.#trim(bytesToCome);
    if (!this.#log.fits(bytesToCome)) {
      throw new StoreFullError('the store is full of messages that subscribers have not acknowledged');
    }
    const appended = messages.map((message, index) => this.#appendOne(owner, message, sizes[index] ?? 0));
    this.#trim();
    for (const listener of [...this.#listeners]) listener();
    return appended;
  }

  async read(after: bigint, limit: number): Promise<readonly StoredMessage[]> {
    return this.#log.after(after, limit);
  }

  async get(position: bigint): Promise<StoredMessage | undefined> {
    return this.#log.get(position);
  }

  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async openSubscription(owner: Owner, spec: SubscriptionSpec): Promise<SubscriptionPosition> {
    this.#ownership.check(owner);
    const key = subscriptionKey(owner.instanceId, spec.name);
    let subscription = this.#subscriptions.get(key);
    if (subscription?.pattern !== spec.pattern) {
      subscription = {
        instanceId: owner.instanceId,
        name: spec.name,
        pattern: spec.pattern,
        scannedTo: spec.start.kind === 'new' ? this.#log.lastPosition : this.#log.positionBefore(spec.start.fromNs),
        pending: new Map(),
        lastUsedMs: this.#scheduler.nowMs(),
      };
      this.#subscriptions.set(key, subscription);
    }
    const pending = [...subscription.pending].sort(([a], [b]) => (a < b ? -1 : 1));
    return { scannedTo: subscription.scannedTo, pending: new Map(pending) };
  }

  async recordDelivery(
    owner: Owner,
    name: string,
    delivery: { positions: readonly bigint[]; scannedTo: bigint },
  ): Promise<void> {
    this.#ownership.check(owner);
    const subscription = this.#subscriptions.get(subscriptionKey(owner.instanceId, name));
    if (!subscription) return;
    for (const position of delivery.positions) {
      subscription.pending.set(position, (subscription.pending.get(position) ?? 0) + 1);
    }
    if (delivery.scannedTo > subscription.scannedTo) subscription.scannedTo = delivery.scannedTo;
    subscription.lastUsedMs = this.#scheduler.nowMs();
  }

  async acknowledge(owner: Owner, name: string, positions: readonly bigint[]): Promise<void> {
    this.#ownership.check(owner);
    this.#acknowledge(owner.instanceId, name, positions);
  }

  async expireSubscriptions(options: {
    idleMs: number;
    inUse: (instanceId: string, name: string) => boolean;
  }): Promise<number> {
    const nowMs = this.#scheduler.nowMs();
    let expired = 0;
    for (const [key, subscription] of this.#subscriptions) {
      if (options.inUse(subscription.instanceId, subscription.name)) subscription.lastUsedMs = nowMs;
      if (nowMs - subscription.lastUsedMs <= options.idleMs) continue;
      this.#subscriptions.delete(key);
      expired += 1;
    }
    this.#trim();
    return expired;
  }

  async loadState(instanceId: string): Promise<StoredState | undefined> {
    return this.#states.get(instanceId);
  }

  async saveState(owner: Owner, change: StateChange): Promise<bigint> {
    this.#ownership.check(owner);
    const stored = this.#states.get(owner.instanceId)?.revision ?? 0n;
    if (stored !== change.expectedRevision) {
      throw new RevisionConflictError({ expected: change.expectedRevision, stored });
    }
    for (const { name, positions } of change.acknowledge) this.#acknowledge(owner.instanceId, name, positions);
    const revision = stored + 1n;
    this.#states.set(owner.instanceId, { state: change.state, revision });
    return revision;
  }

  async recordDecisions(decisions: readonly GrantDecision[]): Promise<void> {
    for (const decision of decisions) {
      const key = `${decision.instanceId} ${decision.action} ${decision.pattern}`;
      // Taken out first, so that the latest is the last.
      this.#decisions.delete(key);
      this.#decisions.set(key, decision);
    }
  }

  async decisions(): Promise<readonly GrantDecision[]> {
    return [...this.#decisions.values()];
  }

  #appendOne(owner: Owner, message: NewMessage, bytes: number): Appended {
    const nowMs = this.#scheduler.nowMs();
    const repeated = this.#deduplication.storedEarlier(owner, message);
    if (repeated !== undefined) return { messageId: repeated, duplicate: repeated !== idOf(message) };
    const sameKey = message.envelope.meta?.dedupKey ? this.#deduplication.sameKey(owner, message, nowMs) : undefined;
    const messageId = sameKey ?? idOf(message);
    this.#deduplication.remember(owner, message, { messageId, nowMs });
    if (sameKey === undefined) this.#log.append({ envelope: message.envelope, bytes });
    return { messageId, duplicate: sameKey !== undefined };
  }

  #acknowledge(instanceId: string, name: string, positions: readonly bigint[]): void {
    const subscription = this.#subscriptions.get(subscriptionKey(instanceId, name));
    for (const position of positions) subscription?.pending.delete(position);
  }

  #trim(bytesToCome = 0): void {
    this.#log.trim(() => this.#neededFrom(), bytesToCome);
  }

  /** The first position that some subscription has not finished with. */
  #neededFrom(): bigint {
    let neededFrom = this.#log.lastPosition + 1n;
    for (const subscription of this.#subscriptions.values()) {
      for (const position of [subscription.scannedTo + 1n, ...subscription.pending.keys()]) {
        if (position < neededFrom) neededFrom = position;
      }
    }
    return neededFrom;
  }
}

function subscriptionKey(instanceId: string, name: string): string {
  return `${instanceId} ${name}`;
}

function idOf(message: NewMessage): string {
  return message.envelope.meta?.messageId ?? '';
}
