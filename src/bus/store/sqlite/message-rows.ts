import { matchTopic } from '../../../contract/wire/topic.ts';
import { type RetentionOptions, TrimPace } from '../retention.ts';
import { checked, checksumOf } from './checksum.ts';
import { StoreDamagedError } from './file/store-fault.ts';
import type { Statements } from './statements.ts';
import type { CommandResult, EncodedStoredMessage, LogEntry } from './store-commands.ts';

/** One answer holds no more than this and one message, however many were asked for. */
const readBytesMax = 4 * 1024 * 1024;

/** One look for what a pattern matches goes over no more than this, so that nobody waits long behind it. */
const scanMax = 10_000n;

interface LogRow {
  readonly lastPosition: bigint;
  readonly bytes: bigint;
  /** Of all that is stored beside messages. */
  readonly otherBytes: bigint;
}

interface MessageRow extends EncodedStoredMessage {
  readonly checksum: bigint | null;
}

/** The log: rows by position without gaps, trimmed at the front. */
export class MessageRows {
  readonly #sql: Statements;
  readonly #retention: RetentionOptions;
  readonly #pace: TrimPace;

  constructor(sql: Statements, retention: RetentionOptions) {
    this.#sql = sql;
    this.#retention = retention;
    this.#pace = new TrimPace(retention);
  }

  get lastPosition(): bigint {
    return this.#log().lastPosition;
  }

  fits(bytes: number): boolean {
    const log = this.#log();
    return Number(log.bytes + log.otherBytes) + bytes <= this.#retention.bytes;
  }

  /** What is stored beside messages, in every table. */
  get otherBytes(): number {
    return Number(this.#log().otherBytes);
  }

  /** The message's position. */
  append({ topic, publishedAtNs, envelope }: LogEntry): bigint {
    this.#pace.appended(envelope.length);
    const sql =
      'UPDATE log SET last_position = last_position + 1, bytes = bytes + ? RETURNING last_position AS position';
    const position = this.#sql.get<{ position: bigint }>(sql, envelope.length)?.position;
    if (position === undefined) throw new StoreDamagedError('it has no log');
    this.#sql.run(
      'INSERT INTO message (position, published_at_ns, envelope, checksum, topic) VALUES (?, ?, ?, ?, ?)',
      position,
      publishedAtNs,
      envelope,
      checksumOf(envelope),
      topic,
    );
    return position;
  }

  /** What is kept from a position on; the bytes only when the log holds more than `countBytesAbove`. */
  sizeFrom(position: bigint, { countBytesAbove }: { countBytesAbove: number }): { messages: number; bytes: number } {
    const { lastPosition, bytes } = this.#log();
    const first = this.#firstPosition();
    if (first === undefined) return { messages: 0, bytes: 0 };
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

  /** What a pattern matches after a position, at most `limit` and one answer full, and how far that is. */
  matching(pattern: string, position: bigint, limit: number): CommandResult<'readMatching'> {
    const { lastPosition } = this.#log();
    const nextKept = this.#firstPosition() ?? lastPosition + 1n;
    const after = position + 1n < nextKept ? nextKept - 1n : position;
    const scanTo = after + scanMax < lastPosition ? after + scanMax : lastPosition;
    const missed = Number(after - position);
    const messages: EncodedStoredMessage[] = [];
    let bytes = 0;
    for (const found of this.#positionsOf(pattern, after, scanTo)) {
      const message = this.get(found);
      if (!message) throw new StoreDamagedError(`message ${found} is in the index and not in the log`);
      messages.push(message);
      bytes += message.envelope.length;
      if (messages.length < limit && bytes <= readBytesMax) continue;
      return { messages, scannedTo: found, missed, isAtEnd: found === lastPosition };
    }
    return { messages, scannedTo: scanTo, missed, isAtEnd: scanTo === lastPosition };
  }

  /** The last position published before `fromNs`, or the one before the first kept. */
  positionBefore(fromNs: bigint): bigint {
    const row = this.#sql.get<{ position: bigint }>(
      'SELECT position FROM message WHERE published_at_ns >= ? ORDER BY position LIMIT 1',
      fromNs,
    );
    return row ? row.position - 1n : this.lastPosition;
  }

  /** What nobody needs is looked for at the next occasion. */
  trimSoon(): void {
    this.#pace.hurry();
  }

  /**
   * Drops from the front what nobody needs any more, keeping the newest `retention.messages` while they, and the
   * `bytesToCome`, are small.
   */
  trim(neededFrom: () => bigint | undefined, bytesToCome = 0): void {
    if (!this.#pace.isDue && bytesToCome === 0) return;
    this.#pace.done();
    const { lastPosition, bytes, otherBytes } = this.#log();
    const first = this.#firstPosition();
    const isHalfFull = Number(bytes + otherBytes) + bytesToCome > this.#retention.bytes / 2;
    const droppableTo = isHalfFull ? lastPosition : lastPosition - BigInt(this.#retention.messages);
    if (first === undefined || droppableTo < first) return;
    const needed = neededFrom();
    const dropTo = needed !== undefined && needed <= droppableTo ? needed - 1n : droppableTo;
    this.#sql.run(
      `UPDATE log SET bytes = bytes - coalesce(
         (SELECT sum(length(envelope)) FROM message WHERE position <= ?), 0)`,
      dropTo,
    );
    this.#sql.run('DELETE FROM message WHERE position <= ?', dropTo);
  }

  /** Where messages are that the pattern matches, or that have no topic outside their envelope. */
  *#positionsOf(pattern: string, after: bigint, to: bigint): Iterable<bigint> {
    const rows = this.#sql.iterate<{ position: bigint; topic: string | null }>(
      `SELECT position, topic FROM message INDEXED BY message_topic
       WHERE position > ? AND position <= ? AND (topic IS NULL OR topic GLOB ?) ORDER BY position`,
      after,
      to,
      // SQLite's star goes over dots too, so it finds what may match.
      pattern.replaceAll('**', '*'),
    );
    for (const { position, topic } of rows) if (topic === null || matchTopic(pattern, topic)) yield position;
  }

  #firstPosition(): bigint | undefined {
    const row = this.#sql.get<{ position: bigint | null }>('SELECT min(position) AS position FROM message');
    return row?.position ?? undefined;
  }

  #log(): LogRow {
    const row = this.#sql.get<LogRow>(
      'SELECT last_position AS lastPosition, bytes, other_bytes AS otherBytes FROM log',
    );
    if (!row) throw new StoreDamagedError('it has no log');
    return row;
  }
}

/** @throws StoreDamagedError */
function messageIn({ position, envelope, checksum }: MessageRow): EncodedStoredMessage {
  return { position, envelope: checked(envelope, checksum, `the message at position ${position}`) };
}
