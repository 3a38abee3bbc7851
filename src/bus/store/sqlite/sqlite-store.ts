import path from 'node:path';
import type { Scheduler } from '../../../base/time/scheduler.ts';
import type { UserFacingError } from '../../../base/user-facing-error.ts';
import { encode } from '../../../contract/wire/codec/message.ts';
import { type Envelope, EnvelopeSchema } from '../../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { matchTopic } from '../../../contract/wire/topics/topic.ts';
import type { Attempts, DeliveryRecord, FailedDelivery } from '../deliveries.ts';
import { defaultDedupWindowMs, defaultRetention, type RetentionOptions } from '../retention.ts';
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
import { type Expiring, LastUse } from './rows/last-use.ts';
import type { CopiedPages } from './store-commands.ts';
import { StoreWorker } from './store-worker.ts';
import { bare, bareWriter, messageIn, rowOf } from './worker-values.ts';

export interface SqliteStoreOptions {
  /** Created if missing, in an existing directory. No other process can open it meanwhile. */
  readonly path: string;
  readonly scheduler: Scheduler;
  readonly dedupWindowMs?: number;
  readonly retention?: RetentionOptions;
  /** How long to wait for another process to release the file. */
  readonly lockTimeoutMs?: number;
  /** Called once if the disk fails later. Every call in progress and every later one then fails. */
  readonly onFailure?: (error: UserFacingError) => void;
  /** Called when the disk is full and when it has space again. Also called after opening if the disk is already full. */
  readonly onDiskFull?: (isFull: boolean) => void;
}

/** How long a new bus waits for its predecessor to stop. */
const defaultLockTimeoutMs = 2_000;

/**
 * Opens a store in an SQLite file.
 * @throws UserFacingError `bus/store/…` if the file is in use, not a store, of a newer version, or cannot be opened.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const worker = await StoreWorker.open(
    {
      path: path.resolve(options.path),
      retention: options.retention ?? defaultRetention,
      dedupWindowMs: options.dedupWindowMs ?? defaultDedupWindowMs,
      lockTimeoutMs: options.lockTimeoutMs ?? defaultLockTimeoutMs,
      // Starting from the clock keeps positions ascending after the file was deleted and created again.
      firstPosition: options.scheduler.wallTimeNs() / 1_000n,
    },
    {
      scheduler: options.scheduler,
      onFailure: (error) => options.onFailure?.(error),
      onDiskFull: (isFull) => options.onDiskFull?.(isFull),
    },
  );
  return new SqliteStore(worker, options.scheduler, await worker.call('subscriptions', {}));
}

/** Keeps everything in one file: an accepted message is committed with synchronous=FULL. */
export class SqliteStore implements Store {
  readonly #worker: StoreWorker;
  readonly #scheduler: Scheduler;
  readonly #listeners = new Set<(added: readonly StoredMessage[]) => void>();
  readonly #lastUse: LastUse;

  constructor(worker: StoreWorker, scheduler: Scheduler, subscriptions: readonly Expiring[]) {
    this.#worker = worker;
    this.#scheduler = scheduler;
    this.#lastUse = new LastUse(scheduler, subscriptions);
  }

  /** Transactions committed since the store was opened. */
  get commits(): number {
    return this.#worker.commits;
  }

  /** Finishes every earlier call and leaves one complete file. Later calls fail. */
  async close(): Promise<void> {
    await this.#worker.close();
  }

  /** Copies everything to a new file, in its state at the end of the copy. Calls continue meanwhile. @throws Error */
  copy(to: string, onProgress: (pages: CopiedPages) => void): Promise<void> {
    return this.#worker.copy(to, onProgress);
  }

  reserve(instanceId: string, { startedAtNs, principal }: Start): Promise<bigint> {
    return this.#worker.call('reserve', {
      instanceId,
      start: { startedAtNs, principal },
      wallTimeMs: this.#wallTimeMs(),
    });
  }

  ownerOf(instanceId: string): Promise<StoredOwner | undefined> {
    return this.#worker.call('ownerOf', { instanceId });
  }

  activate(owner: Owner): Promise<{ readonly draining: bigint | undefined }> {
    return this.#worker.call('activate', { owner: bare(owner) });
  }

  fence(owner: Owner): Promise<void> {
    return this.#worker.call('fence', { owner: bare(owner) });
  }

  mayWrite(owner: Owner): Promise<boolean> {
    return this.#worker.call('mayWrite', { owner: bare(owner) });
  }

  async append(owner: Owner, messages: readonly NewMessage[]): Promise<readonly Appended[]> {
    const encoded = messages.map(rowOf);
    const rows = await this.#worker.call('append', {
      owner: bare(owner),
      messages: encoded,
      wallTimeMs: this.#wallTimeMs(),
    });
    this.#appended(
      rows.flatMap(({ position }, index) => {
        const message = messages[index];
        if (position === undefined || !message) return [];
        const { topic, publishedAtNs } = message.meta;
        return { position, topic, publishedAtNs, envelope: message.envelope };
      }),
    );
    return rows.map(({ messageId, duplicate }) => ({ messageId, duplicate }));
  }

  async read(after: bigint, limit: number): Promise<readonly StoredMessage[]> {
    return (await this.#worker.call('read', { after, limit })).map(messageIn);
  }

  async readMatching(pattern: string, after: bigint, limit: number): Promise<MatchingMessages> {
    const { messages, ...rest } = await this.#worker.call('readMatching', { pattern, after, limit });
    const matching = messages.map(messageIn).filter(({ topic }) => matchTopic(pattern, topic));
    return { messages: matching, ...rest };
  }

  async get(position: bigint): Promise<StoredMessage | undefined> {
    const found = await this.#worker.call('get', { position });
    return found && messageIn(found);
  }

  onAppend(listener: (added: readonly StoredMessage[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async openSubscription(writer: SubscriptionWriter, spec: SubscriptionSpec): Promise<SubscriptionProgress> {
    const { name, pattern, start, idleExpiryMs, storedMax, inHand = [] } = spec;
    const key = { instanceId: keeperOf(writer), name };
    const isKnown = this.#lastUse.has(key);
    this.#lastUse.used(key, { idleExpiryMs });
    const optional = {
      ...(idleExpiryMs !== undefined && { idleExpiryMs }),
      ...(storedMax !== undefined && { storedMax }),
    };
    try {
      return await this.#worker.call('openSubscription', {
        owner: bareWriter(writer),
        spec: { name, pattern, start, inHand, ...optional },
      });
    } catch (error) {
      // Names that are not stored must not be remembered.
      if (!isKnown) this.#lastUse.forget(key);
      throw error;
    }
  }

  recordDelivery(
    writer: SubscriptionWriter,
    name: string,
    { positions, cursor, to }: DeliveryRecord,
  ): Promise<readonly bigint[]> {
    this.#lastUse.used({ instanceId: keeperOf(writer), name });
    const delivery = { positions, cursor, ...(to && { to: to.map((owner) => owner && bare(owner)) }) };
    return this.#worker.call('recordDelivery', { owner: bareWriter(writer), name, delivery });
  }

  takeFromMembers(writer: SubscriptionWriter, name: string, members: readonly Owner[]): Promise<Attempts> {
    const args = { owner: bareWriter(writer), name, members: members.map(bare) };
    return this.#worker.call('takeFromMembers', args);
  }

  unacknowledged({ instanceId, name }: SubscriptionKey): Promise<number> {
    return this.#worker.call('unacknowledged', { instanceId, name });
  }

  recordProgress(owner: Owner, names: readonly string[], cursor: bigint): Promise<void> {
    return this.#worker.call('recordProgress', { owner: bare(owner), names, cursor });
  }

  acknowledge(writer: SubscriptionWriter, name: string, positions: readonly bigint[]): Promise<void> {
    return this.#worker.call('acknowledge', { owner: bareWriter(writer), acknowledged: { name, positions } });
  }

  requeue(writer: SubscriptionWriter, name: string, failed: readonly bigint[]): Promise<void> {
    return this.#worker.call('requeue', { owner: bareWriter(writer), name, failed });
  }

  nack(writer: SubscriptionWriter, name: string, failed: readonly FailedDelivery[]): Promise<Attempts> {
    const ended = failed.map(({ position, attempt }) => ({ position, attempt }));
    return this.#worker.call('nack', { owner: bareWriter(writer), name, failed: ended });
  }

  async deadLetter(
    writer: SubscriptionWriter,
    name: string,
    dead: { position: bigint; letter: Envelope },
  ): Promise<void> {
    const { topic = '', publishedAtNs = 0n } = dead.letter.meta ?? {};
    const envelope = encode(EnvelopeSchema, dead.letter);
    const letter = { topic, publishedAtNs, envelope: envelope.bytes };
    const args = { owner: bareWriter(writer), name, position: dead.position, letter };
    const position = await this.#worker.call('deadLetter', args);
    if (position === undefined) return;
    this.#appended([{ position, topic, publishedAtNs, envelope }]);
  }

  async expireSubscriptions(options: ExpiryOptions): Promise<number> {
    const keys = this.#lastUse.takeIdle(options);
    return keys.length === 0 ? 0 : this.#worker.call('dropSubscriptions', { keys });
  }

  storedSubscriptions(page: SubscriptionPage): Promise<readonly StoredSubscription[]> {
    return this.#worker.call('subscriptions', page);
  }

  async dropSubscription({ instanceId, name }: SubscriptionKey): Promise<boolean> {
    this.#lastUse.forget({ instanceId, name });
    return (await this.#worker.call('dropSubscriptions', { keys: [{ instanceId, name }] })) > 0;
  }

  backlogs(options: BacklogOptions): Promise<readonly Backlog[]> {
    return this.#worker.call('backlogs', options);
  }

  stopRetainingFor(subscriptions: readonly SubscriptionKey[]): Promise<void> {
    const keys = subscriptions.map(({ instanceId, name }) => ({ instanceId, name }));
    return this.#worker.call('stopRetainingFor', { keys });
  }

  loadState(instanceId: string): Promise<StoredState | undefined> {
    return this.#worker.call('loadState', { instanceId });
  }

  saveState(owner: Owner, change: StateChange): Promise<bigint> {
    const { state, expectedRevision } = change;
    const acknowledge = change.acknowledge.map(({ name, positions, scope = owner.instanceId }) => ({
      ...{ name, positions, scope },
    }));
    return this.#worker.call('saveState', { owner: bare(owner), state, expectedRevision, acknowledge });
  }

  forgetState(instanceId: string): Promise<boolean> {
    return this.#worker.call('forgetState', { instanceId });
  }

  usage(): Promise<StoreUsage> {
    return this.#worker.call('usage', {});
  }

  recordDecisions(decisions: readonly GrantDecision[]): Promise<void> {
    return this.#worker.call('recordDecisions', { decisions });
  }

  decisions(): Promise<readonly GrantDecision[]> {
    return this.#worker.call('decisions', {});
  }

  #appended(added: readonly StoredMessage[]): void {
    for (const listener of [...this.#listeners]) listener(added);
  }

  #wallTimeMs(): bigint {
    return this.#scheduler.wallTimeNs() / 1_000_000n;
  }
}
