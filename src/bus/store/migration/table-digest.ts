import { createHash } from 'node:crypto';
import type { Scheduler } from '../../../base/time/scheduler.ts';
import type { MemoryTables } from '../in-memory/memory-tables.ts';
import { decodeRecord, encodeRecord, type RecordContent } from '../jetstream/record-text.ts';
import { StoredRecords } from '../jetstream/stored-records.ts';
import { Subjects } from '../jetstream/subjects.ts';

/** The same for two stores exactly if they hold the same, whatever they are stored in. The idle times of subscriptions do not count. */
export function digestOf(tables: MemoryTables, scheduler: Scheduler): string {
  const hash = createHash('sha256');
  const records = [...new StoredRecords(tables, new Subjects('digest'), scheduler).all()].map(
    ({ subject, content }) => `${subject} ${canonicalText(content())}`,
  );
  hash.update(records.sort().join('\n'));
  hash.update(canonicalText({ fields: tables.decisions.all() }));
  for (const { position, topic, publishedAtNs, envelope } of messagesOf(tables)) {
    hash.update(`\n${position} ${topic} ${publishedAtNs} ${envelope.bytes.length}\n`).update(envelope.bytes);
  }
  return hash.digest('hex');
}

/** All messages in the log. */
export function messagesOf({ log }: MemoryTables) {
  return log.after(log.firstPosition - 1n, Number.MAX_SAFE_INTEGER);
}

/** Fields in the order of their names: the order in which they were set is of no meaning. */
function canonicalText(content: RecordContent | undefined): string {
  if (!content) return '';
  const { fields, bytes } = decodeRecord(encodeRecord(content));
  const text = JSON.stringify(fields, (_, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
  });
  return `${text} ${createHash('sha256').update(bytes).digest('hex')}`;
}
