import { matchTopic } from '../../../../contract/wire/topics/topic.ts';
import { type RetentionOptions, TrimPace } from '../../retention.ts';
import { checked, checksumOf } from '../checksum.ts';
import { StoreDamagedError } from '../file/store-fault.ts';
import type { CommandResult, EncodedStoredMessage, LogEntry } from '../store-commands.ts';
import type { Statements } from './statements.ts';

/** One answer contains at most this, or one message, however many were requested. */
const readBytesMax = 4 * 1024 * 1024;

/** The most messages that one search for a pattern examines, so that other commands do not wait long. */
const scanMax = 10_000n;

interface LogRow {
  readonly lastPosition: bigint;
  readonly bytes: bigint;
  /** The size of all stored data other than messages. */
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

  /** Positions have no gaps. */
  usage(): { readonly messages: number; readonly bytes: number; readonly lastPosition: bigint } {
    const { lastPosition, bytes, otherBytes } = this.#log();
    const first = this.#sql.get<{ first: bigint | null }>('SELECT min(position) AS first FROM message')?.first;
    const messages = first == null ? 0 : Number(lastPosition - first) + 1;
    return { messages, bytes: Number(bytes + otherBytes), lastPosition };
  }

  /** Stored data other than messages, in every table. */
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

  /** The size retained from a position. Bytes are counted only if the log holds more than `countBytesAbove`. */
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

  /** The next messages: at most `limit`, and at least one if any exist. */
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

  /**
   * The messages after a position that a pattern matches, at most `limit` and one full answer, and the position that the search reached.
   */
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
      return { messages, cursor: found, missed, isAtEnd: found === lastPosition };
    }
    return { messages, cursor: scanTo, missed, isAtEnd: scanTo === lastPosition };
  }

  /** The last position published before `fromNs`, or the one before the first retained. */
  positionBefore(fromNs: bigint): bigint {
    const row = this.#sql.get<{ position: bigint }>(
      'SELECT position FROM message WHERE published_at_ns >= ? ORDER BY position LIMIT 1',
      fromNs,
    );
    return row ? row.position - 1n : this.lastPosition;
  }

  /** Makes the next occasion trim the log. */
  trimSoon(): void {
    this.#pace.hurry();
  }

  /** Drops unneeded messages from the front. Keeps the newest `retention.messages` if they fit beside `bytesToCome`. */
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

  /** The positions of messages that the pattern matches, or whose topic is stored only in the envelope. */
  *#positionsOf(pattern: string, after: bigint, to: bigint): Iterable<bigint> {
    const rows = this.#sql.iterate<{ position: bigint; topic: string | null }>(
      `SELECT position, topic FROM message INDEXED BY message_topic
       WHERE position > ? AND position <= ? AND (topic IS NULL OR topic GLOB ?) ORDER BY position`,
      after,
      to,
      // SQLite's star also matches dots, so this finds candidates.
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
