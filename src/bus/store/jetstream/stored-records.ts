import type { Scheduler } from '../../../base/time/scheduler.ts';
import { type DedupEntry, partsOfKey } from '../in-memory/deduplication.ts';
import type { MemoryTables } from '../in-memory/memory-tables.ts';
import type { InstanceEpochs } from '../in-memory/ownership.ts';
import type { State } from '../in-memory/states.ts';
import type { Pending, Subscription } from '../in-memory/subscriptions.ts';
import type { GrantDecision, NewMessage, Owner, SubscriptionKey } from '../store.ts';
import type { RecordContent } from './record-text.ts';
import type { Subjects } from './subjects.ts';

/** A record that a command has changed. */
export interface ChangedRecord {
  readonly subject: string;
  /** What it is when it is stored. Undefined: it is deleted. */
  readonly content: () => RecordContent | undefined;
  /** It goes by itself when the dedup window is over. */
  readonly expires?: true;
}

/** An epoch may have 65,536 of them, and a record is rewritten whole. */
const publishesTogether = 128n;

/** What is stored beside messages: one record for each row of a table, rewritten whole. */
export class StoredRecords {
  readonly #tables: MemoryTables;
  readonly #subjects: Subjects;
  readonly #scheduler: Scheduler;

  constructor(tables: MemoryTables, subjects: Subjects, scheduler: Scheduler) {
    this.#tables = tables;
    this.#subjects = subjects;
    this.#scheduler = scheduler;
  }

  /** Where the log begins and ends. */
  log(): ChangedRecord {
    const { log } = this.#tables;
    const content = (): RecordContent => ({ fields: { first: log.firstPosition, last: log.lastPosition } });
    return { subject: this.#subjects.record('log'), content };
  }

  epochs(instanceId: string): ChangedRecord {
    const content = (): RecordContent | undefined => {
      const epochs = this.#tables.ownership.epochsOf(instanceId);
      return epochs && { fields: { instanceId, ...epochs, reserved: [...epochs.reserved] } };
    };
    return { subject: this.#subjects.record('epoch', instanceId), content };
  }

  /** The publishes of an epoch that may be repeated, those around a sequence. */
  publishes({ instanceId, epoch }: Owner, sequence: bigint): ChangedRecord {
    const group = sequence / publishesTogether;
    const content = (): RecordContent | undefined => {
      const publishes: [bigint, string][] = [];
      for (let each = group * publishesTogether; each < (group + 1n) * publishesTogether; each += 1n) {
        const messageId = this.#tables.deduplication.storedEarlier({ instanceId, epoch }, { sequence: each });
        if (messageId !== undefined) publishes.push([each, messageId]);
      }
      return publishes.length === 0 ? undefined : { fields: { instanceId, epoch, publishes } };
    };
    return { subject: this.#subjects.record('pub', instanceId, `${epoch}`, `${group}`), content };
  }

  key(owner: Owner, message: NewMessage): ChangedRecord {
    const { topic, dedupKey } = message.meta;
    return this.#keyRecord([owner.instanceId, topic, dedupKey], () => this.#tables.deduplication.keyOf(owner, message));
  }

  subscription({ instanceId, name }: SubscriptionKey): ChangedRecord {
    const content = (): RecordContent | undefined => {
      const found = this.#tables.subscriptions.subscriptionOf({ instanceId, name });
      if (!found) return undefined;
      const { lastUsedMs: _, pending, ...fields } = found;
      return { fields: { ...fields, pending: [...pending] } };
    };
    return { subject: this.#subjects.record('sub', instanceId, name), content };
  }

  state(instanceId: string): ChangedRecord {
    const content = (): RecordContent | undefined => {
      const found = this.#tables.states.stateOf(instanceId);
      if (!found) return undefined;
      const { state: bytes, ...fields } = found;
      return { fields: { instanceId, ...fields }, bytes };
    };
    return { subject: this.#subjects.record('state', instanceId), content };
  }

  decision(decision: GrantDecision): ChangedRecord {
    const { instanceId, action, pattern } = decision;
    return {
      subject: this.#subjects.record('grant', instanceId, action, pattern),
      content: () => ({ fields: decision }),
    };
  }

  /** Which store is being moved here. Undefined: no move, or it is done. */
  move(of: string | undefined): ChangedRecord {
    const content = (): RecordContent | undefined => (of === undefined ? undefined : { fields: { of } });
    return { subject: this.#subjects.record('move'), content };
  }

  /** Everything in the tables but the messages. */
  *all(): Iterable<ChangedRecord> {
    const { deduplication, subscriptions, states, ownership, decisions } = this.#tables;
    yield this.log();
    for (const [instanceId] of ownership.all()) yield this.epochs(instanceId);
    const publishes = [...deduplication.publishes()].map(({ owner, sequence }) => this.publishes(owner, sequence));
    yield* new Map(publishes.map((each) => [each.subject, each])).values();
    for (const entry of deduplication.keys()) yield this.#keyRecord(partsOfKey(entry), () => entry);
    for (const key of subscriptions.all()) yield this.subscription(key);
    for (const [instanceId] of states.all()) yield this.state(instanceId);
    for (const decision of decisions.all()) yield this.decision(decision);
  }

  /** Puts a record that was read back into its table. Must be called in the order of the stream. */
  restore(kind: string, { fields, bytes }: { readonly fields: unknown; readonly bytes: Uint8Array }): void {
    const { deduplication, subscriptions, states, ownership, decisions } = this.#tables;
    if (kind === 'epoch') {
      const { instanceId, ...epochs } = fields as InstanceEpochs & { instanceId: string };
      ownership.restore(instanceId, { ...epochs, reserved: new Map(epochs.reserved) });
    } else if (kind === 'pub') {
      const { publishes, ...owner } = fields as Owner & { publishes: [bigint, string][] };
      for (const [sequence, messageId] of publishes) deduplication.restorePublish(owner, sequence, messageId);
    } else if (kind === 'key') {
      const entry = fields as DedupEntry;
      deduplication.restoreKey({ ...entry, seenMs: entry.seenMs - this.#wallMinusMonotonicMs() });
    } else if (kind === 'sub') {
      const { pending, ...subscription } = fields as Omit<Subscription, 'pending'> & { pending: [bigint, Pending][] };
      pending.sort(([one], [other]) => (one < other ? -1 : 1));
      subscriptions.restore({ ...subscription, pending: new Map(pending) });
    } else if (kind === 'state') {
      const { instanceId, ...state } = fields as Omit<State, 'state'> & { instanceId: string };
      states.restore(instanceId, { ...state, state: bytes });
    } else if (kind === 'grant') {
      decisions.record(fields as GrantDecision);
    }
  }

  #keyRecord(identity: readonly string[], find: () => DedupEntry | undefined): ChangedRecord {
    const content = (): RecordContent | undefined => {
      const entry = find();
      return entry && { fields: { ...entry, seenMs: entry.seenMs + this.#wallMinusMonotonicMs() } };
    };
    return { subject: this.#subjects.record('key', ...identity), content, expires: true };
  }

  #wallMinusMonotonicMs(): number {
    return Number(this.#scheduler.wallTimeNs() / 1_000_000n) - this.#scheduler.nowMs();
  }
}
