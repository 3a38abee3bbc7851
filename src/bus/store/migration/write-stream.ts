import type { Scheduler } from '../../../base/time/scheduler.ts';
import type { MemoryTables } from '../in-memory/memory-tables.ts';
import type { OpenStream } from '../jetstream/open-stream.ts';
import { type ChangedRecord, StoredRecords } from '../jetstream/stored-records.ts';
import type { StreamWrite } from '../jetstream/stream.ts';
import { fullBatch, messageWrite, recordWrite } from '../jetstream/stream-writes.ts';
import { messagesOf } from './table-digest.ts';

export interface StreamMove {
  readonly tables: MemoryTables;
  /** Which store this is. */
  readonly digest: string;
  readonly scheduler: Scheduler;
  readonly dedupWindowMs: number;
  readonly onProgress: (share: number) => void;
}

/**
 * Writes the tables to a stream that holds nothing, or the beginning of the same move. Until all is stored, the stream says that it is being
 * moved to, and no bus starts on it.
 */
export async function writeToStream(opened: OpenStream, move: StreamMove): Promise<void> {
  const { writer } = opened;
  const { tables, dedupWindowMs, onProgress } = move;
  const records = new StoredRecords(tables, opened.subjects, move.scheduler);
  const written = (record: ChangedRecord): StreamWrite => recordWrite(record, dedupWindowMs);
  await writer.write([written(records.move(move.digest)), written(records.log())]);
  const isStored = storedBefore(opened);
  const messages = messagesOf(tables).filter(({ position }) => !isStored(position));
  const all = [
    ...messages.map((each) => messageWrite(opened.subjects, each)),
    ...[...records.all()].map(written),
    written(records.move(undefined)),
  ];
  for (let next = 0; next < all.length; ) {
    const writes = batchFrom(all, next);
    await writer.write(writes);
    next += writes.length;
    onProgress(next / all.length);
  }
}

/** Whether an earlier run of the same move has stored the message at a position. */
function storedBefore({ tables, unfinishedMove }: OpenStream): (position: bigint) => boolean {
  const { firstPosition, lastPosition } = tables.log;
  return (position) => unfinishedMove !== undefined && position >= firstPosition && position <= lastPosition;
}

function batchFrom(all: readonly StreamWrite[], from: number): StreamWrite[] {
  const writes: StreamWrite[] = [];
  let bytes = 0;
  for (const write of all.slice(from, from + fullBatch.writes)) {
    bytes += write.data.length;
    if (writes.length > 0 && bytes > fullBatch.bytes) break;
    writes.push(write);
  }
  return writes;
}
