import { messageOf } from '../../../base/user-facing-error.ts';
import type { MemoryTables } from '../in-memory/memory-tables.ts';
import type { StoredMessage } from '../store.ts';
import type { Changes } from './batch-lane.ts';
import type { ChangedRecord, StoredRecords } from './stored-records.ts';
import type { Stream, StreamWrite } from './stream.ts';
import type { StreamWriter } from './stream-writer.ts';
import { batchWrites, fullBatch, messageWrite, recordWrite } from './stream-writes.ts';
import type { Subjects } from './subjects.ts';

export interface PendingChangesOptions {
  readonly tables: MemoryTables;
  readonly records: StoredRecords;
  readonly subjects: Subjects;
  readonly stream: Stream;
  readonly writer: StreamWriter;
  readonly dedupWindowMs: number;
  /** Of the messages in the log, from the first. */
  readonly sequences: readonly number[];
  /** What was stored, in the order of the log. */
  readonly onStored: (messages: readonly StoredMessage[]) => void;
  readonly onPurgeFailure: (reason: string) => void;
}

/** What the commands of one batch have changed in the tables. */
export class PendingChanges implements Changes {
  readonly #options: PendingChangesOptions;
  #messages: StoredMessage[] = [];
  #records = new Map<string, ChangedRecord>();
  #bytes = 0;
  /** Of the messages from `#firstPosition` on. */
  #sequences: number[];
  #firstPosition: bigint;
  #purging: Promise<void> | undefined;
  #isRenewalDue = false;

  constructor(options: PendingChangesOptions) {
    this.#options = options;
    this.#sequences = [...options.sequences];
    this.#firstPosition = options.tables.log.firstPosition;
  }

  added(messages: readonly StoredMessage[]): void {
    if (messages.length === 0) return;
    this.#messages.push(...messages);
    for (const { envelope } of messages) this.#bytes += envelope.bytes.length;
    this.changed(this.#options.records.log());
  }

  changed(record: ChangedRecord): void {
    // The order of the stream is that of the last changes.
    this.#records.delete(record.subject);
    this.#records.set(record.subject, record);
  }

  /** The next batch is stored also if it changes nothing. */
  renew(): void {
    this.#isRenewalDue = true;
  }

  get isEmpty(): boolean {
    return this.#messages.length + this.#records.size === 0 && !this.#isRenewalDue;
  }

  get isFull(): boolean {
    return this.#messages.length + this.#records.size >= fullBatch.writes || this.#bytes >= fullBatch.bytes;
  }

  async store(): Promise<void> {
    const { tables, records, writer, onStored } = this.#options;
    const messages = this.#messages.splice(0);
    // Where the log begins is stored before anything is purged: a later writer then never relies on what goes.
    if (tables.log.firstPosition > this.#firstPosition) this.changed(records.log());
    const writes = [...messages.map((each) => messageWrite(this.#options.subjects, each)), ...this.#recordWrites()];
    this.#bytes = 0;
    this.#isRenewalDue = false;
    const first = await writer.write(writes.slice(0, batchWrites));
    // Only expiry and decisions change this many, each of which stands for itself.
    for (let next = batchWrites; next < writes.length; next += batchWrites) {
      await writer.write(writes.slice(next, next + batchWrites));
    }
    for (const index of messages.keys()) this.#sequences.push(first + index);
    onStored(messages);
    this.#purge();
  }

  /** Resolves when nothing is being purged. */
  async idle(): Promise<void> {
    await this.#purging;
  }

  #recordWrites(): StreamWrite[] {
    const { dedupWindowMs } = this.#options;
    const records = [...this.#records.values()];
    this.#records.clear();
    return records.map((record) => recordWrite(record, dedupWindowMs));
  }

  /** Deletes from the stream what the log has dropped. What fails is done with the next. */
  #purge(): void {
    const { tables, stream, subjects, onPurgeFailure } = this.#options;
    const { firstPosition } = tables.log;
    if (this.#purging || firstPosition <= this.#firstPosition) return;
    const dropped = Number(firstPosition - this.#firstPosition);
    const lastDropped = this.#sequences[dropped - 1];
    this.#sequences.splice(0, dropped);
    this.#firstPosition = firstPosition;
    if (lastDropped === undefined) return;
    this.#purging = stream
      .purge(subjects.messages, lastDropped + 1)
      .catch((error: unknown) => onPurgeFailure(messageOf(error)))
      .finally(() => {
        this.#purging = undefined;
      });
  }
}
