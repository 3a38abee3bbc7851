import { type Scheduler, sleep } from '../../../base/time/scheduler.ts';
import { Encoded } from '../../../contract/wire/codec/encoded.ts';
import { type MemoryTables, newTables, type TableOptions } from '../in-memory/memory-tables.ts';
import type { StoredMessage } from '../store.ts';
import { streamTaken } from './nats-fault.ts';
import { decodeRecord } from './record-text.ts';
import { StoredRecords } from './stored-records.ts';
import type { Stream, StreamEntry } from './stream.ts';
import { messageHeaders } from './stream-writes.ts';
import type { Subjects } from './subjects.ts';

export interface RestoreOptions extends TableOptions {
  readonly stream: Stream;
  readonly subjects: Subjects;
  /** The sequence of the writer's record: the last one that anybody else may have written is below. */
  readonly upTo: number;
  readonly retryScheduler: Scheduler;
}

export interface Restored {
  readonly tables: MemoryTables;
  /** Of each message in the log, from the first. */
  readonly sequences: readonly number[];
  /** The store that is being moved here, until all of it is stored. */
  readonly unfinishedMove: string | undefined;
}

const lagMs = 100;

/**
 * Reads everything that is stored. A replica may lag, but it never skips: once it has the writer's record, it has all before it.
 * @throws UserFacingError if another writer took over meanwhile
 */
export async function restoreTables(options: RestoreOptions): Promise<Restored> {
  const { stream, subjects, upTo, retryScheduler } = options;
  const records: StreamEntry[] = [];
  const messages: { readonly sequence: number; readonly message: StoredMessage }[] = [];
  let isWhole = false;
  for (let next = 1; !isWhole; ) {
    // What is not answered is asked again.
    const entries = await stream.read(next).catch(() => []);
    if (entries.length === 0) await sleep(retryScheduler, lagMs);
    for (const entry of entries) {
      next = entry.sequence + 1;
      if (entry.sequence > upTo) throw streamTaken(stream.name);
      if (entry.sequence === upTo) isWhole = true;
      const topic = subjects.topicOf(entry.subject);
      if (topic !== undefined) messages.push({ sequence: entry.sequence, message: messageOf(entry, topic) });
      else if (entry.subject !== subjects.writer) records.push(entry);
    }
  }
  return tablesOf(options, records, messages);
}

function tablesOf(
  options: RestoreOptions,
  records: readonly StreamEntry[],
  messages: readonly { readonly sequence: number; readonly message: StoredMessage }[],
): Restored {
  const { subjects, scheduler } = options;
  const logRecord = records.find(({ subject }) => subjects.kindOf(subject) === 'log');
  const log = logRecord && (decodeRecord(logRecord.data).fields as { readonly first: bigint; readonly last: bigint });
  // What is below was being purged.
  const kept = messages.filter(({ message }) => message.position >= (log?.first ?? 0n));
  const tables = newTables(options, log && log.first - 1n);
  for (const { message } of kept) tables.log.append(message);
  const stored = new StoredRecords(tables, subjects, scheduler);
  for (const { subject, data } of records)
    if (data.length > 0) stored.restore(subjects.kindOf(subject), decodeRecord(data));
  return {
    tables,
    sequences: kept.map(({ sequence }) => sequence),
    unfinishedMove: moveIn(records.find(({ subject }) => subjects.kindOf(subject) === 'move')),
  };
}

function moveIn(record: StreamEntry | undefined): string | undefined {
  if (!record || record.data.length === 0) return undefined;
  return (decodeRecord(record.data).fields as { readonly of: string }).of;
}

function messageOf({ data, header }: StreamEntry, topic: string): StoredMessage {
  return {
    position: BigInt(header(messageHeaders.position)),
    topic,
    publishedAtNs: BigInt(header(messageHeaders.publishedAt)),
    envelope: new Encoded(Uint8Array.from(data)),
  };
}
