import type { Scheduler } from '../../../base/time/scheduler.ts';
import type { MemoryTables } from '../in-memory/memory-tables.ts';
import { LeaderSubject } from '../jetstream/leading/leader-subject.ts';
import { unfinishedMove } from '../jetstream/nats-fault.ts';
import { findStream, type OpenStream, openStream, type StreamOptions } from '../jetstream/open-stream.ts';
import { defaultDedupWindowMs, defaultRetention } from '../retention.ts';
import { isThere } from '../sqlite/file/store-file.ts';
import { differentTarget, streamInUse, targetTooSmall } from './migration-fault.ts';
import { readStoreFile } from './read-file.ts';
import { stoppedClock } from './stopped-clock.ts';
import { digestOf, messagesOf } from './table-digest.ts';
import { writeStoreFile } from './write-file.ts';
import { writeToStream } from './write-stream.ts';

export interface Migration {
  /** The SQLite file, absolute. */
  readonly file: string;
  readonly stream: Omit<StreamOptions, 'scheduler'> & { readonly retryScheduler: Scheduler };
  readonly direction: 'to-stream' | 'to-file';
  /** Between 0 and 1. */
  readonly onProgress: (share: number) => void;
}

/** What was moved, or was found moved already. */
export interface Migrated {
  readonly isNew: boolean;
  readonly messages: number;
  readonly subscriptions: number;
  readonly states: number;
  readonly instances: number;
  readonly decisions: number;
}

/**
 * Copies a store that no bus uses: messages, positions, states, owners, dedup keys and decisions. The copy has exactly what the source has,
 * or the target says that it is unfinished. Repeating it goes on, or changes nothing.
 * @throws UserFacingError
 */
export async function migrate(migration: Migration): Promise<Migrated> {
  const clock = stoppedClock(migration.stream.retryScheduler);
  return migration.direction === 'to-stream' ? toStream(migration, clock) : toFile(migration, clock);
}

async function toStream({ file, stream, onProgress }: Migration, scheduler: Scheduler): Promise<Migrated> {
  const { dedupWindowMs = defaultDedupWindowMs } = stream;
  const tables = settled(await readStoreFile(file, { ...stream, scheduler }), scheduler);
  checkSize(tables, stream);
  const digest = digestOf(tables, scheduler);
  const opened = await openUnused({ ...stream, scheduler }, 'make');
  try {
    const { unfinishedMove: unfinished } = opened;
    const isWhole = unfinished === undefined && !isEmpty(opened.tables);
    const found = isWhole ? digestOf(settled(opened.tables, scheduler), scheduler) : unfinished;
    if (found !== undefined && found !== digest) throw differentTarget(opened.stream.name);
    if (!isWhole) await writeToStream(opened, { tables, digest, scheduler, dedupWindowMs, onProgress });
    return contentsOf(tables, !isWhole);
  } finally {
    await opened.connection.close();
  }
}

async function toFile({ file, stream, onProgress }: Migration, scheduler: Scheduler): Promise<Migrated> {
  const tables = settled(await tablesOn({ ...stream, scheduler }), scheduler);
  if (isThere(file)) {
    const found = settled(await readStoreFile(file, { ...stream, scheduler }), scheduler);
    if (digestOf(found, scheduler) !== digestOf(tables, scheduler)) throw differentTarget(file);
    return contentsOf(tables, false);
  }
  writeStoreFile(file, tables, onProgress);
  return contentsOf(tables, true);
}

/** Takes over a stream that no bus serves from. @throws UserFacingError */
async function openUnused(options: StreamOptions, ifMissing: 'make' | 'refuse'): Promise<OpenStream> {
  const { connection, stream } = await findStream(options, ifMissing);
  try {
    const nowMs = (): number => options.scheduler.nowMs();
    const subject = new LeaderSubject({ connection, deployment: options.deployment, nowMs, onFault() {} });
    const leader = await subject.ask();
    if (leader === 'silence') throw streamInUse(stream.name, 'a process that does not answer');
    if (leader !== 'nobody') throw streamInUse(stream.name, leader.address);
  } finally {
    await connection.close();
  }
  return openStream(options, ifMissing);
}

async function tablesOn(options: StreamOptions): Promise<MemoryTables> {
  const opened = await openUnused(options, 'refuse');
  await opened.connection.close();
  if (opened.unfinishedMove !== undefined) throw unfinishedMove(opened.stream.name);
  return opened.tables;
}

/** Without what ends by itself while no bus runs. */
function settled(tables: MemoryTables, scheduler: Scheduler): MemoryTables {
  tables.ownership.forgetReservations();
  tables.deduplication.dropExpired(scheduler.nowMs());
  return tables;
}

function checkSize(tables: MemoryTables, { retention = defaultRetention }: Migration['stream']): void {
  const bytes = messagesOf(tables).reduce((sum, { envelope }) => sum + envelope.bytes.length, 0);
  if (bytes > retention.bytes) throw targetTooSmall({ bytes, limit: retention.bytes });
}

function isEmpty(tables: MemoryTables): boolean {
  const { messages, ...rows } = contentsOf(tables, true);
  return messages === 0 && rows.subscriptions + rows.states + rows.instances + rows.decisions === 0;
}

function contentsOf(tables: MemoryTables, isNew: boolean): Migrated {
  return {
    isNew,
    messages: messagesOf(tables).length,
    subscriptions: [...tables.subscriptions.all()].length,
    states: [...tables.states.all()].length,
    instances: [...tables.ownership.all()].length,
    decisions: tables.decisions.all().length,
  };
}
