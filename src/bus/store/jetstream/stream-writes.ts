import type { StoredMessage } from '../store.ts';
import { encodeRecord } from './record-text.ts';
import type { ChangedRecord } from './stored-records.ts';
import type { StreamWrite } from './stream.ts';
import type { Subjects } from './subjects.ts';

/** The headers of a message in the stream. */
export const messageHeaders = { position: 'Meridian-Position', publishedAt: 'Meridian-Published-At' } as const;

/** A batch with so much takes no more. */
export const fullBatch = { writes: 512, bytes: 4 * 1024 * 1024 } as const;
/** The most of one batch. JetStream's own limit is 1,000 messages. */
export const batchWrites = 990;
/** After its end a dedup key, and what is deleted at once, is of no use; the hour is for clocks that differ. */
const spareSeconds = 3_600;
/** How long the record of a dedup key is stored. */
export function keyRecordMs(dedupWindowMs: number): number {
  return spareSeconds * 1_000 + dedupWindowMs;
}

/** NATS takes no time above some 292 years. What is kept for longer than this is kept for ever. */
const longestSeconds = 100 * 365 * 86_400;

export function messageWrite(
  subjects: Subjects,
  { topic, position, publishedAtNs, envelope }: StoredMessage,
): StreamWrite {
  return {
    subject: subjects.message(topic),
    data: envelope.bytes,
    headers: [
      [messageHeaders.position, `${position}`],
      [messageHeaders.publishedAt, `${publishedAtNs}`],
    ],
  };
}

/** Replaces the record that is stored, or deletes it. */
export function recordWrite({ subject, content, expires }: ChangedRecord, dedupWindowMs: number): StreamWrite {
  const found = content();
  const headers: [string, string][] = [['Nats-Rollup', 'sub']];
  const seconds = spareSeconds + (found ? Math.ceil(dedupWindowMs / 1_000) : 0);
  if ((!found || expires) && seconds <= longestSeconds) headers.push(['Nats-TTL', `${seconds}s`]);
  return { subject, data: found ? encodeRecord(found) : new Uint8Array(), headers };
}
