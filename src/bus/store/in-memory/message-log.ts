import { matchTopic } from '../../../contract/wire/topics/topic.ts';
import { type RetentionOptions, TrimPace } from '../retention.ts';
import type { MatchingMessages, StoredMessage } from '../store.ts';

/** An append-only list of messages by position, trimmed at the front. */
export class MessageLog {
  readonly #messages: StoredMessage[] = [];
  readonly #retention: RetentionOptions;
  readonly #pace: TrimPace;
  #firstIndex = 0;
  #lastPosition: bigint;
  #bytes = 0;

  constructor(retention: RetentionOptions, startAfter: bigint) {
    this.#retention = retention;
    this.#pace = new TrimPace(retention);
    this.#lastPosition = startAfter;
  }

  get lastPosition(): bigint {
    return this.#lastPosition;
  }

  /** The first retained position. The one after the last if none is retained. */
  get firstPosition(): bigint {
    return this.#lastPosition - BigInt(this.#messages.length - this.#firstIndex) + 1n;
  }

  get bytes(): number {
    return this.#bytes;
  }

  fits(bytes: number): boolean {
    return this.#bytes + bytes <= this.#retention.bytes;
  }

  append({ topic, publishedAtNs, envelope }: Omit<StoredMessage, 'position'>): StoredMessage {
    this.#lastPosition += 1n;
    const stored = { position: this.#lastPosition, topic, publishedAtNs, envelope };
    const bytes = envelope.bytes.length;
    this.#messages.push(stored);
    this.#bytes += bytes;
    this.#pace.appended(bytes);
    return stored;
  }

  /** The size retained from a position. Bytes are counted only if the log holds more than `countBytesAbove`. */
  sizeFrom(position: bigint, { countBytesAbove }: { countBytesAbove: number }): { messages: number; bytes: number } {
    const held = this.#messages.slice(Math.max(this.#firstIndex, this.#indexOf(position)));
    if (this.#bytes <= countBytesAbove) return { messages: held.length, bytes: 0 };
    return { messages: held.length, bytes: held.reduce((sum, { envelope }) => sum + envelope.bytes.length, 0) };
  }

  get(position: bigint): StoredMessage | undefined {
    return this.#messages[this.#indexOf(position)];
  }

  after(position: bigint, limit: number): readonly StoredMessage[] {
    const start = Math.max(this.#firstIndex, this.#indexOf(position + 1n));
    return this.#messages.slice(start, start + limit);
  }

  matching(pattern: string, position: bigint, limit: number): MatchingMessages {
    const firstKept = this.firstPosition;
    const missed = position + 1n < firstKept ? Number(firstKept - position - 1n) : 0;
    const messages: StoredMessage[] = [];
    for (let index = Math.max(this.#firstIndex, this.#indexOf(position + 1n)); ; index += 1) {
      const message = this.#messages[index];
      if (!message) return { messages, cursor: this.#lastPosition, missed, isAtEnd: true };
      if (matchTopic(pattern, message.topic)) messages.push(message);
      if (messages.length < limit) continue;
      const cursor = message.position;
      return { messages, cursor, missed, isAtEnd: cursor === this.#lastPosition };
    }
  }

  /** The last position published before `fromNs`, or the one before the first retained. */
  positionBefore(fromNs: bigint): bigint {
    const first = this.#messages.slice(this.#firstIndex).find((message) => message.publishedAtNs >= fromNs);
    return first ? first.position - 1n : this.#lastPosition;
  }

  /** Makes the next occasion trim the log. */
  trimSoon(): void {
    this.#pace.hurry();
  }

  /** Drops unneeded messages from the front. Keeps the newest `retention.messages` if they fit beside `bytesToCome`. */
  trim(neededFrom: () => bigint, bytesToCome = 0): void {
    if (!this.#pace.isDue && bytesToCome === 0) return;
    this.#pace.done();
    const halfFull = this.#bytes + bytesToCome > this.#retention.bytes / 2;
    const droppable = halfFull ? this.#messages.length : this.#messages.length - this.#retention.messages;
    if (droppable <= this.#firstIndex) return;
    const end = Math.min(this.#indexOf(neededFrom()), droppable);
    for (; this.#firstIndex < end; this.#firstIndex += 1) {
      this.#bytes -= this.#messages[this.#firstIndex]?.envelope.bytes.length ?? 0;
    }
    // Splicing only when half is unused makes trimming constant time per message.
    if (this.#firstIndex > this.#messages.length / 2) {
      this.#messages.splice(0, this.#firstIndex);
      this.#firstIndex = 0;
    }
  }

  #indexOf(position: bigint): number {
    return this.#messages.length - Number(this.#lastPosition - position) - 1;
  }
}
