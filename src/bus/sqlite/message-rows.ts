import type { RetentionOptions } from '../retention.ts';
import { checked, checksumOf } from './checksum.ts';
import { StoreDamagedError } from './file/store-fault.ts';
import type { Statements } from './statements.ts';
import type { EncodedMessage, EncodedStoredMessage } from './store-commands.ts';

/** One answer holds no more than this and one message, however many were asked for. */
const readBytesMax = 4 * 1024 * 1024;

interface LogRow {
  readonly lastPosition: bigint;
  readonly bytes: bigint;
}

interface MessageRow extends EncodedStoredMessage {
  readonly checksum: bigint | null;
}

/** The log: rows by position without gaps, trimmed at the front. */
export class MessageRows {
  readonly #sql: Statements;
  readonly #retention: RetentionOptions;

  constructor(sql: Statements, retention: RetentionOptions) {
    this.#sql = sql;
    this.#retention = retention;
  }

  get lastPosition(): bigint {
    return this.#log().lastPosition;
  }

  fits(bytes: number): boolean {
    return Number(this.#log().bytes) + bytes <= this.#retention.bytes;
  }

  append({ envelope, publishedAtNs }: Pick<EncodedMessage, 'envelope' | 'publishedAtNs'>): void {
    this.#sql.run('UPDATE log SET last_position = last_position + 1, bytes = bytes + ?', envelope.length);
    this.#sql.run(
      'INSERT INTO message (position, published_at_ns, envelope, checksum) SELECT last_position, ?, ?, ? FROM log',
      publishedAtNs,
      envelope,
      checksumOf(envelope),
    );
  }

  /** What is kept from a position on; the bytes only when the log holds more than `countBytesAbove`. */
  sizeFrom(position: bigint, { countBytesAbove }: { countBytesAbove: number }): { messages: number; bytes: number } {
    const { lastPosition, bytes } = this.#log();
    const first = this.#sql.get<{ position: bigint | null }>('SELECT min(position) AS position FROM message')?.position;
    if (typeof first !== 'bigint') return { messages: 0, bytes: 0 };
    const from = position > first ? position : first;
    const messages = Number(lastPosition - from) + 1;
    if (Number(bytes) <= countBytesAbove) return { messages, bytes: 0 };
    const sql = 'SELECT coalesce(sum(length(envelope)), 0) AS bytes FROM message WHERE position >= ?';
    return { messages, bytes: Number(this.#sql.get<{ bytes: bigint }>(sql, from)?.bytes ?? 0n) };
  }

  get(position: bigint): EncodedStoredMessage | undefined {
    const sql = 'SELECT position, envelope, checksum FROM message WHERE position = ?';
    const row = this.#sql.get<MessageRow>(sql, position);
    return row && messageIn(row);
  }

  /** The next messages, at most `limit` of them and at least one if there is any. */
  after(position: bigint, limit: number): EncodedStoredMessage[] {
    const messages: EncodedStoredMessage[] = [];
    let bytes = 0;
    const rows = this.#sql.iterate<MessageRow>(
      'SELECT position, envelope, checksum FROM message WHERE position > ? ORDER BY position LIMIT ?',
      position,
      limit,
    );
    for (const row of rows) {
      messages.push(messageIn(row));
      bytes += row.envelope.length;
      if (bytes > readBytesMax) break;
    }
    return messages;
  }

  /** The last position published before `fromNs`, or the one before the first kept. */
  positionBefore(fromNs: bigint): bigint {
    const row = this.#sql.get<{ position: bigint }>(
      'SELECT position FROM message WHERE published_at_ns >= ? ORDER BY position LIMIT 1',
      fromNs,
    );
    return row ? row.position - 1n : this.lastPosition;
  }

  /**
   * Drops from the front what nobody needs any more, keeping the newest `retention.messages` while they, and the
   * `bytesToCome`, are small. `neededFrom` is asked only when there is something to drop, since finding it looks at
   * every subscription.
   */
  trim(neededFrom: () => bigint | undefined, bytesToCome = 0): void {
    const { lastPosition, bytes } = this.#log();
    const first = this.#sql.get<{ position: bigint | null }>('SELECT min(position) AS position FROM message')?.position;
    const isHalfFull = Number(bytes) + bytesToCome > this.#retention.bytes / 2;
    const droppableTo = isHalfFull ? lastPosition : lastPosition - BigInt(this.#retention.messages);
    if (typeof first !== 'bigint' || droppableTo < first) return;
    const needed = neededFrom();
    const dropTo = needed !== undefined && needed <= droppableTo ? needed - 1n : droppableTo;
    this.#sql.run(
      `UPDATE log SET bytes = bytes - coalesce(
         (SELECT sum(length(envelope)) FROM message WHERE position <= ?), 0)`,
      dropTo,
    );
    this.#sql.run('DELETE FROM message WHERE position <= ?', dropTo);
  }

  #log(): LogRow {
    const row = this.#sql.get<LogRow>('SELECT last_position AS lastPosition, bytes FROM log');
    if (!row) throw new StoreDamagedError('it has no log');
    return row;
  }
}

/** @throws StoreDamagedError */
function messageIn({ position, envelope, checksum }: MessageRow): EncodedStoredMessage {
  return { position, envelope: checked(envelope, checksum, `the message at position ${position}`) };
}
