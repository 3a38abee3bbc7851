import { Encoded } from '../../../../contract/wire/codec/encoded.ts';
import { type MemoryTables, newTables, type TableOptions } from '../../in-memory/memory-tables.ts';
import { defaultDedupWindowMs } from '../../retention.ts';
import type { StoredMessage } from '../../store.ts';
import { decodeRecord } from '../record-text.ts';
import { StoredRecords } from '../stored-records.ts';
import type { StreamEntry } from '../stream.ts';
import { keyRecordMs, messageHeaders } from '../stream-writes.ts';
import type { Subjects } from '../subjects.ts';

export interface Restored {
  readonly tables: MemoryTables;
  /** Of each message in the log, from the first. */
  readonly sequences: readonly number[];
  /** The store that is being moved here, until all of it is stored. */
  readonly unfinishedMove: string | undefined;
}

interface CopiedMessage {
  readonly sequence: number;
  readonly message: StoredMessage;
}

interface CopiedRecord {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly copiedMs: number;
}

/** So many dropped messages are taken out of the copy at once. */
const trimmedTogether = 1_024;

/** What a stream says, as far as it was read: its messages, and the newest of each record. */
export class StreamCopy {
  readonly #subjects: Subjects;
  readonly #options: TableOptions;
  #messages: CopiedMessage[] = [];
  /** In the order of the stream. */
  readonly #records = new Map<string, CopiedRecord>();
  /** As `#records`; of dedup keys, which go by themselves. */
  readonly #keys = new Map<string, CopiedRecord>();
  #untrimmed = 0;
  #writtenAt = 0;
  #readTo = 0;

  constructor(subjects: Subjects, options: TableOptions) {
    this.#subjects = subjects;
    this.#options = options;
  }

  /** The sequence of the newest entry that was read; 0 before the first. */
  get readTo(): number {
    return this.#readTo;
  }

  /** The sequence of the writer's record; 0 if there is none. */
  get writtenAt(): number {
    return this.#writtenAt;
  }

  get unfinishedMove(): string | undefined {
    const record = this.#recordOf('move');
    return record === undefined ? undefined : (record as { readonly of: string }).of;
  }

  /** Entries must come in the order of the stream. */
  add(entries: readonly StreamEntry[]): void {
    for (const entry of entries) this.#add(entry);
    this.#dropOldKeys();
    if (this.#untrimmed >= trimmedTogether) this.#trim();
  }

  /** What was read, as the tables of a bus. */
  tables(): Restored {
    this.#trim();
    const log = this.#recordOf('log') as { readonly first: bigint; readonly last: bigint } | undefined;
    const tables = newTables(this.#options, log && log.first - 1n);
    for (const { message } of this.#messages) tables.log.append(message);
    const stored = new StoredRecords(tables, this.#subjects, this.#options.scheduler);
    for (const { subject, data } of [...this.#records.values(), ...this.#keys.values()])
      stored.restore(this.#subjects.kindOf(subject), decodeRecord(data));
    return {
      tables,
      sequences: this.#messages.map(({ sequence }) => sequence),
      unfinishedMove: this.unfinishedMove,
    };
  }

  #add(entry: StreamEntry): void {
    const { sequence, subject, data } = entry;
    this.#readTo = sequence;
    const topic = this.#subjects.topicOf(subject);
    if (topic !== undefined) {
      this.#messages.push({ sequence, message: messageOf(entry, topic) });
      this.#untrimmed += 1;
      return;
    }
    if (subject === this.#subjects.writer) {
      this.#writtenAt = sequence;
      return;
    }
    const records = this.#subjects.kindOf(subject) === 'key' ? this.#keys : this.#records;
    records.delete(subject);
    // A copy of its own: the bytes are a part of all that came with them.
    if (data.length > 0) {
      records.set(subject, { subject, data: Uint8Array.from(data), copiedMs: this.#options.scheduler.nowMs() });
    }
  }

  /** What is below the first position of the log is being purged, or was. */
  #trim(): void {
    this.#untrimmed = 0;
    const log = this.#recordOf('log') as { readonly first: bigint } | undefined;
    const first = log?.first ?? 0n;
    const dropped = this.#messages.findIndex(({ message }) => message.position >= first);
    this.#messages = dropped < 0 ? [] : this.#messages.slice(dropped);
  }

  #dropOldKeys(): void {
    const untilMs = this.#options.scheduler.nowMs() - keyRecordMs(this.#options.dedupWindowMs ?? defaultDedupWindowMs);
    for (const { subject, copiedMs } of this.#keys.values()) {
      if (copiedMs > untilMs) return;
      this.#keys.delete(subject);
    }
  }

  #recordOf(kind: 'log' | 'move'): unknown {
    const record = this.#records.get(this.#subjects.record(kind));
    return record && decodeRecord(record.data).fields;
  }
}

function messageOf({ data, header }: StreamEntry, topic: string): StoredMessage {
  return {
    position: BigInt(header(messageHeaders.position)),
    topic,
    publishedAtNs: BigInt(header(messageHeaders.publishedAt)),
    envelope: new Encoded(Uint8Array.from(data)),
  };
}
