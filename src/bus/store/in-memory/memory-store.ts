import type { Scheduler } from '../../../base/time/scheduler.ts';
import { encode } from '../../../contract/wire/codec/message.ts';
import { type Envelope, EnvelopeSchema } from '../../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import type { Attempts, DeliveryRecord, FailedDelivery } from '../deliveries.ts';
import { checkKeyShare, defaultRetention, fullStore, type RetentionOptions } from '../retention.ts';
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
import { amongSubscriptions, keeperOf } from '../subscription-key.ts';
import type { GrantDecisions } from './grant-decisions.ts';
import { type MemoryTables, newTables } from './memory-tables.ts';
import type { Ownership } from './ownership.ts';

export interface MemoryStoreOptions {
  readonly scheduler: Scheduler;
  readonly dedupWindowMs?: number;
  readonly retention?: RetentionOptions;
  /** What was stored earlier. Absent: nothing. */
  readonly tables?: MemoryTables;
}

type OwnedTables = Omit<MemoryTables, 'ownership' | 'decisions'>;

/** Keeps everything in RAM: accepted messages are lost when the process ends. */
export class MemoryStore implements Store {
  readonly #scheduler: Scheduler;
  readonly #ownership: Ownership;
  /** The tables that owners write, through `#writtenBy`. */
  readonly #tables: OwnedTables;
  readonly #decisions: GrantDecisions;
  readonly #retention: RetentionOptions;
  readonly #listeners = new Set<(added: readonly StoredMessage[]) => void>();

  constructor(options: MemoryStoreOptions) {
    this.#scheduler = options.scheduler;
    this.#retention = options.retention ?? defaultRetention;
    const tables = options.tables ?? newTables(options);
    this.#ownership = tables.ownership;
    this.#decisions = tables.decisions;
    this.#tables = tables;
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
    this.#tables.deduplication.forget(owner);
  }

  async mayWrite(owner: Owner): Promise<boolean> {
    return this.#ownership.mayWrite(owner);
  }

  async append(owner: Owner, messages: readonly NewMessage[]): Promise<readonly Appended[]> {
    const { deduplication } = this.#writtenBy(owner);
    const sizes = messages.map(({ envelope }) => envelope.bytes.length);
    let bytesToCome = 0;
    for (const [index, message] of messages.entries()) {
      if (deduplication.storedEarlier(owner, message) === undefined) bytesToCome += sizes[index] ?? 0;
    }
    this.#makeRoom(bytesToCome);
    const keys = deduplication.keyBytes(owner, messages, this.#scheduler.nowMs());
    checkKeyShare(this.#retention, keys);
    const added: StoredMessage[] = [];
    const appended = messages.map((message) => this.#appendOne(owner, message, added));
    this.#appended(added);
    return appended;
  }

  async read(after: bigint, limit: number): Promise<readonly StoredMessage[]> {
    return this.#tables.log.after(after, limit);
  }

  async readMatching(pattern: string, after: bigint, limit: number): Promise<MatchingMessages> {
    return this.#tables.log.matching(pattern, after, limit);
  }

  async get(position: bigint): Promise<StoredMessage | undefined> {
    return this.#tables.log.get(position);
  }

  onAppend(listener: (added: readonly StoredMessage[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async openSubscription(writer: SubscriptionWriter, spec: SubscriptionSpec): Promise<SubscriptionProgress> {
    const { log, subscriptions } = this.#writtenBy(writer);
    return subscriptions.open(writer, spec, () =>
      spec.start.kind === 'new' ? log.lastPosition : log.positionBefore(spec.start.fromNs),
    );
  }

  async recordDelivery(writer: SubscriptionWriter, name: string, delivery: DeliveryRecord): Promise<readonly bigint[]> {
    const { subscriptions } = this.#writtenBy(writer);
    return subscriptions.recordDelivery(writer, name, delivery);
  }

  async takeFromMembers(writer: SubscriptionWriter, name: string, members: readonly Owner[]): Promise<Attempts> {
    const { subscriptions } = this.#writtenBy(writer);
    return subscriptions.takeFromMembers(keeperOf(writer), name, members);
  }

  async unacknowledged({ instanceId, name }: SubscriptionKey): Promise<number> {
    return this.#tables.subscriptions.unacknowledged(instanceId, name);
  }

  async recordProgress(owner: Owner, names: readonly string[], cursor: bigint): Promise<void> {
    const { subscriptions } = this.#writtenBy(owner);
    for (const name of names) subscriptions.recordProgress(owner.instanceId, name, cursor);
  }

  async acknowledge(writer: SubscriptionWriter, name: string, positions: readonly bigint[]): Promise<void> {
    const { subscriptions } = this.#writtenBy(writer);
    subscriptions.acknowledge(keeperOf(writer), name, positions);
  }

  async requeue(writer: SubscriptionWriter, name: string, failed: readonly bigint[]): Promise<void> {
    const { subscriptions } = this.#writtenBy(writer);
    subscriptions.requeue(writer, name, failed);
  }

  async nack(writer: SubscriptionWriter, name: string, failed: readonly FailedDelivery[]): Promise<Attempts> {
    const { subscriptions } = this.#writtenBy(writer);
    return subscriptions.nack(writer, name, failed);
  }

  async deadLetter(
    writer: SubscriptionWriter,
    name: string,
    dead: { position: bigint; letter: Envelope },
  ): Promise<void> {
    const { log, subscriptions } = this.#writtenBy(writer);
    if (!subscriptions.isPending(keeperOf(writer), name, dead.position)) return;
    const envelope = encode(EnvelopeSchema, dead.letter);
    this.#makeRoom(envelope.bytes.length);
    const { topic = '', publishedAtNs = 0n } = dead.letter.meta ?? {};
    const letter = log.append({ topic, publishedAtNs, envelope });
    subscriptions.acknowledge(keeperOf(writer), name, [dead.position]);
    this.#appended([letter]);
  }

  async expireSubscriptions(options: ExpiryOptions): Promise<number> {
    const expired = this.#tables.subscriptions.expire(options);
    if (expired > 0) this.#tables.log.trimSoon();
    this.#trim();
    return expired;
  }

  async storedSubscriptions(page: SubscriptionPage): Promise<readonly StoredSubscription[]> {
    return this.#tables.subscriptions.page(page);
  }

  async dropSubscription(key: SubscriptionKey): Promise<boolean> {
    const isDropped = this.#tables.subscriptions.drop(key);
    if (isDropped) this.#tables.log.trimSoon();
    this.#trim();
    return isDropped;
  }

  async backlogs(options: BacklogOptions): Promise<readonly Backlog[]> {
    return amongSubscriptions(this.#tables.subscriptions.held(), options.of)
      .map(({ instanceId, name, from }) => ({ instanceId, name, ...this.#tables.log.sizeFrom(from, options) }))
      .filter(({ messages }) => messages > 0);
  }

  async stopRetainingFor(subscriptions: readonly SubscriptionKey[]): Promise<void> {
    this.#tables.subscriptions.stopRetainingFor(subscriptions);
  }

  async loadState(instanceId: string): Promise<StoredState | undefined> {
    return this.#tables.states.load(instanceId);
  }

  async saveState(owner: Owner, change: StateChange): Promise<bigint> {
    const { subscriptions, states } = this.#writtenBy(owner);
    const { instanceId } = owner;
    const revision = states.save({ instanceId, principal: this.#ownership.principalOf(owner) }, change);
    for (const { name, positions, scope = instanceId } of change.acknowledge) {
      subscriptions.acknowledge(scope, name, positions);
    }
    return revision;
  }

  async forgetState(instanceId: string): Promise<boolean> {
    return this.#tables.states.forget(instanceId);
  }

  async usage(): Promise<StoreUsage> {
    const { log } = this.#tables;
    const messages = Number(log.lastPosition - log.firstPosition) + 1;
    const bytes = log.bytes + this.#otherBytes;
    return { messages, bytes, limitBytes: this.#retention.bytes, lastPosition: log.lastPosition };
  }

  async recordDecisions(decisions: readonly GrantDecision[]): Promise<void> {
    for (const decision of decisions) this.#decisions.record(decision);
  }

  async decisions(): Promise<readonly GrantDecision[]> {
    return this.#decisions.all();
  }

  /** The tables that this owner may write. @throws StaleEpochError */
  #writtenBy(owner: Owner): OwnedTables {
    this.#ownership.check(owner);
    return this.#tables;
  }

  #appendOne(owner: Owner, message: NewMessage, added: StoredMessage[]): Appended {
    const repeated = this.#tables.deduplication.storedEarlier(owner, message);
    if (repeated !== undefined) return { messageId: repeated, duplicate: repeated !== idOf(message) };
    const nowMs = this.#scheduler.nowMs();
    const sameKey = message.meta.dedupKey ? this.#tables.deduplication.sameKey(owner, message, nowMs) : undefined;
    const messageId = sameKey ?? idOf(message);
    this.#tables.deduplication.remember(owner, message, { messageId, nowMs });
    if (sameKey === undefined) {
      const { meta, envelope } = message;
      const { topic, publishedAtNs } = meta;
      added.push(this.#tables.log.append({ topic, publishedAtNs, envelope }));
    }
    return { messageId, duplicate: sameKey !== undefined };
  }

  /** @throws StoreFullError */
  #makeRoom(bytesToCome: number): void {
    const { log } = this.#tables;
    if (!log.fits(bytesToCome + this.#otherBytes)) this.#trim(bytesToCome);
    if (log.fits(bytesToCome + this.#otherBytes)) return;
    throw fullStore(this.#retention, this.#otherBytes);
  }

  /** Stored data other than messages, under the same limit. */
  get #otherBytes(): number {
    const { deduplication, subscriptions, states } = this.#tables;
    const counted = [deduplication, subscriptions, states, this.#ownership, this.#decisions];
    return counted.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #appended(added: readonly StoredMessage[]): void {
    this.#trim();
    for (const listener of [...this.#listeners]) listener(added);
  }

  #trim(bytesToCome = 0): void {
    const { log, subscriptions } = this.#tables;
    log.trim(() => subscriptions.neededFrom(log.lastPosition + 1n), bytesToCome + this.#otherBytes);
  }
}

function idOf(message: NewMessage): string {
  return message.meta.messageId;
}
