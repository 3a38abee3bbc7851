import type { NatsConnection } from '@nats-io/transport-node';
import type { Envelope } from '../../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import type { Attempts, DeliveryRecord, FailedDelivery } from '../deliveries.ts';
import type { MemoryStore } from '../in-memory/memory-store.ts';
import type {
  Appended,
  Backlog,
  BacklogOptions,
  ExpiryOptions,
  GrantDecision,
  MatchingMessages,
  NewMessage,
  Owner,
  Start,
  StateChange,
  Store,
  StoredMessage,
  StoredOwner,
  StoredState,
  StoredSubscription,
  StoreUsage,
  SubscriptionKey,
  SubscriptionPage,
  SubscriptionProgress,
  SubscriptionSpec,
  SubscriptionWriter,
} from '../store.ts';
import { keeperOf } from '../subscription-key.ts';
import type { BatchLane } from './batch-lane.ts';
import type { PendingChanges } from './pending-changes.ts';
import type { StoredRecords } from './stored-records.ts';

export interface JetStreamStore extends Store {
  /** `onStored` is called when all is stored that was asked for, before the connection ends. */
  close(onStored?: () => void): Promise<void>;
}

interface Parts {
  readonly connection: NatsConnection;
  /** What the stream says, in memory. */
  readonly model: MemoryStore;
  readonly records: StoredRecords;
  readonly changes: PendingChanges;
  readonly lane: BatchLane;
  readonly listeners: Set<(added: readonly StoredMessage[]) => void>;
}

/** Every operation is done in memory, and answered when what it changed is in the stream. */
export class StoreOnStream implements JetStreamStore {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  reserve(instanceId: string, start: Start): Promise<bigint> {
    return this.#ofInstance(instanceId, (model) => model.reserve(instanceId, start));
  }

  ownerOf(instanceId: string): Promise<StoredOwner | undefined> {
    return this.#read((model) => model.ownerOf(instanceId));
  }

  activate(owner: Owner): Promise<{ draining: bigint | undefined }> {
    return this.#ofInstance(owner.instanceId, (model) => model.activate(owner));
  }

  fence(owner: Owner): Promise<void> {
    return this.#ofInstance(owner.instanceId, (model) => model.fence(owner));
  }

  mayWrite(owner: Owner): Promise<boolean> {
    return this.#read((model) => model.mayWrite(owner));
  }

  append(owner: Owner, messages: readonly NewMessage[]): Promise<readonly Appended[]> {
    return this.#write(
      (model) => model.append(owner, messages),
      ({ changes, records }) => {
        for (const each of messages) if (each.meta.dedupKey) changes.changed(records.key(owner, each));
      },
    );
  }

  read(after: bigint, limit: number): Promise<readonly StoredMessage[]> {
    return this.#read((model) => model.read(after, limit));
  }

  readMatching(pattern: string, after: bigint, limit: number): Promise<MatchingMessages> {
    return this.#read((model) => model.readMatching(pattern, after, limit));
  }

  get(position: bigint): Promise<StoredMessage | undefined> {
    return this.#read((model) => model.get(position));
  }

  onAppend(listener: (added: readonly StoredMessage[]) => void): () => void {
    const { listeners } = this.#parts;
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  openSubscription(writer: SubscriptionWriter, spec: SubscriptionSpec): Promise<SubscriptionProgress> {
    return this.#ofSubscriptions(writer, [spec.name], (model) => model.openSubscription(writer, spec));
  }

  recordDelivery(writer: SubscriptionWriter, name: string, delivery: DeliveryRecord): Promise<readonly bigint[]> {
    return this.#ofSubscriptions(writer, [name], (model) => model.recordDelivery(writer, name, delivery));
  }

  takeFromMembers(writer: SubscriptionWriter, name: string, members: readonly Owner[]): Promise<Attempts> {
    return this.#ofSubscriptions(writer, [name], (model) => model.takeFromMembers(writer, name, members));
  }

  unacknowledged(subscription: SubscriptionKey): Promise<number> {
    return this.#read((model) => model.unacknowledged(subscription));
  }

  recordProgress(owner: Owner, names: readonly string[], cursor: bigint): Promise<void> {
    return this.#ofSubscriptions(owner, names, (model) => model.recordProgress(owner, names, cursor));
  }

  acknowledge(writer: SubscriptionWriter, name: string, positions: readonly bigint[]): Promise<void> {
    return this.#ofSubscriptions(writer, [name], (model) => model.acknowledge(writer, name, positions));
  }

  requeue(writer: SubscriptionWriter, name: string, failed: readonly bigint[]): Promise<void> {
    return this.#ofSubscriptions(writer, [name], (model) => model.requeue(writer, name, failed));
  }

  nack(writer: SubscriptionWriter, name: string, failed: readonly FailedDelivery[]): Promise<Attempts> {
    return this.#ofSubscriptions(writer, [name], (model) => model.nack(writer, name, failed));
  }

  deadLetter(writer: SubscriptionWriter, name: string, dead: { position: bigint; letter: Envelope }): Promise<void> {
    return this.#ofSubscriptions(writer, [name], (model) => model.deadLetter(writer, name, dead));
  }

  async expireSubscriptions(options: ExpiryOptions): Promise<number> {
    return this.#parts.lane.run(async () => {
      const { model, changes, records } = this.#parts;
      const before = await model.storedSubscriptions({});
      const expired = await model.expireSubscriptions(options);
      if (expired === 0) return 0;
      const left = new Set((await model.storedSubscriptions({})).map((each) => records.subscription(each).subject));
      for (const record of before.map((each) => records.subscription(each))) {
        if (!left.has(record.subject)) changes.changed(record);
      }
      return expired;
    });
  }

  storedSubscriptions(page: SubscriptionPage): Promise<readonly StoredSubscription[]> {
    return this.#read((model) => model.storedSubscriptions(page));
  }

  dropSubscription(key: SubscriptionKey): Promise<boolean> {
    return this.#write(
      (model) => model.dropSubscription(key),
      ({ changes, records }) => changes.changed(records.subscription(key)),
    );
  }

  backlogs(options: BacklogOptions): Promise<readonly Backlog[]> {
    return this.#read((model) => model.backlogs(options));
  }

  stopRetainingFor(subscriptions: readonly SubscriptionKey[]): Promise<void> {
    return this.#read((model) => model.stopRetainingFor(subscriptions));
  }

  loadState(instanceId: string): Promise<StoredState | undefined> {
    return this.#read((model) => model.loadState(instanceId));
  }

  saveState(owner: Owner, change: StateChange): Promise<bigint> {
    return this.#write(
      (model) => model.saveState(owner, change),
      ({ changes, records }) => {
        changes.changed(records.state(owner.instanceId));
        for (const { name, scope = owner.instanceId } of change.acknowledge) {
          changes.changed(records.subscription({ instanceId: scope, name }));
        }
      },
    );
  }

  forgetState(instanceId: string): Promise<boolean> {
    return this.#write(
      (model) => model.forgetState(instanceId),
      ({ changes, records }) => changes.changed(records.state(instanceId)),
    );
  }

  usage(): Promise<StoreUsage> {
    return this.#read((model) => model.usage());
  }

  recordDecisions(decisions: readonly GrantDecision[]): Promise<void> {
    return this.#write(
      (model) => model.recordDecisions(decisions),
      ({ changes, records }) => {
        for (const each of decisions) changes.changed(records.decision(each));
      },
    );
  }

  decisions(): Promise<readonly GrantDecision[]> {
    return this.#read((model) => model.decisions());
  }

  /** Writes even if nothing has changed. @throws UserFacingError if another process has taken over. */
  renew(): Promise<void> {
    return this.#parts.lane.run(async () => this.#parts.changes.renew());
  }

  async close(onStored = () => {}): Promise<void> {
    await this.#parts.lane.idle();
    await this.#parts.changes.idle();
    onStored();
    await this.#parts.connection.close();
  }

  /** In its turn too: it sees what is not stored yet, and is answered when that is. */
  #read<T>(operation: (model: MemoryStore) => Promise<T>): Promise<T> {
    return this.#parts.lane.run(() => operation(this.#parts.model));
  }

  /** `changed` is called only after the operation was not refused. */
  #write<T>(operation: (model: MemoryStore) => Promise<T>, changed: (parts: Parts) => void): Promise<T> {
    return this.#parts.lane.run(async () => {
      const result = await operation(this.#parts.model);
      changed(this.#parts);
      return result;
    });
  }

  #ofInstance<T>(instanceId: string, operation: (model: MemoryStore) => Promise<T>): Promise<T> {
    return this.#write(operation, ({ changes, records }) => changes.changed(records.epochs(instanceId)));
  }

  #ofSubscriptions<T>(
    writer: SubscriptionWriter,
    names: readonly string[],
    operation: (model: MemoryStore) => Promise<T>,
  ): Promise<T> {
    const instanceId = keeperOf(writer);
    return this.#write(operation, ({ changes, records }) => {
      for (const name of names) changes.changed(records.subscription({ instanceId, name }));
    });
  }
}
