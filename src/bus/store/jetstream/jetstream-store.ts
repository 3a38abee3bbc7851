import type { NatsConnection } from '@nats-io/transport-node';
import type { Envelope } from '../../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import type { MemoryStore } from '../in-memory/memory-store.ts';
import type {
  Appended,
  Backlog,
  BacklogOptions,
  ExpiryOptions,
  FailedDelivery,
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
  SubscriptionKey,
  SubscriptionPage,
  SubscriptionProgress,
  SubscriptionSpec,
} from '../store.ts';
import type { BatchLane } from './batch-lane.ts';
import type { PendingChanges } from './pending-changes.ts';
import type { StoredRecords } from './stored-records.ts';

export interface JetStreamStore extends Store {
  close(): Promise<void>;
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

  openSubscription(owner: Owner, spec: SubscriptionSpec): Promise<SubscriptionProgress> {
    return this.#ofSubscriptions(owner, [spec.name], (model) => model.openSubscription(owner, spec));
  }

  recordDelivery(
    owner: Owner,
    name: string,
    delivery: { positions: readonly bigint[]; cursor: bigint },
  ): Promise<readonly bigint[]> {
    return this.#ofSubscriptions(owner, [name], (model) => model.recordDelivery(owner, name, delivery));
  }

  unacknowledged(subscription: SubscriptionKey): Promise<number> {
    return this.#read((model) => model.unacknowledged(subscription));
  }

  recordProgress(owner: Owner, names: readonly string[], cursor: bigint): Promise<void> {
    return this.#ofSubscriptions(owner, names, (model) => model.recordProgress(owner, names, cursor));
  }

  acknowledge(owner: Owner, name: string, positions: readonly bigint[]): Promise<void> {
    return this.#ofSubscriptions(owner, [name], (model) => model.acknowledge(owner, name, positions));
  }

  requeue(owner: Owner, name: string, failed: readonly bigint[]): Promise<void> {
    return this.#ofSubscriptions(owner, [name], (model) => model.requeue(owner, name, failed));
  }

  nack(owner: Owner, name: string, failed: readonly FailedDelivery[]): Promise<ReadonlyMap<bigint, number>> {
    return this.#ofSubscriptions(owner, [name], (model) => model.nack(owner, name, failed));
  }

  deadLetter(owner: Owner, name: string, dead: { position: bigint; letter: Envelope }): Promise<void> {
    return this.#ofSubscriptions(owner, [name], (model) => model.deadLetter(owner, name, dead));
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
    const names = change.acknowledge.map(({ name }) => name);
    return this.#write(
      (model) => model.saveState(owner, change),
      ({ changes, records }) => {
        changes.changed(records.state(owner.instanceId));
        for (const name of names) changes.changed(records.subscription({ ...owner, name }));
      },
    );
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

  async close(): Promise<void> {
    await this.#parts.lane.idle();
    await this.#parts.changes.idle();
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
    { instanceId }: Owner,
    names: readonly string[],
    operation: (model: MemoryStore) => Promise<T>,
  ): Promise<T> {
    return this.#write(operation, ({ changes, records }) => {
      for (const name of names) changes.changed(records.subscription({ instanceId, name }));
    });
  }
}
