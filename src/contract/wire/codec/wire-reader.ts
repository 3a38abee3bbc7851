import { isUtf8 } from 'node:buffer';
import { RecentTexts } from './recent-texts.ts';

/** The wire type of strings, bytes, messages and packed lists. */
export const lengthDelimited = 2;

/**
 * Reads the encoding of one message: https://protobuf.dev/programming-guides/encoding/. Every read stays below `end`, which is the end of
 * the nested message while one is read. Each method throws an Error if the bytes are no such value.
 */
export class WireReader {
  readonly #given: Uint8Array;
  /** The same bytes; only a Buffer decodes a part of itself without an object for it. */
  readonly #bytes: Buffer;
  pos = 0;
  end: number;
  /** The halves of the 64-bit varint that was read last. */
  #low = 0;
  #high = 0;

  constructor(bytes: Uint8Array) {
    this.#given = bytes;
    this.#bytes = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.end = bytes.length;
  }

  /** Begins a nested message: moves `end` to its end, and returns the outer one for `leave`. */
  enter(): number {
    const outer = this.end;
    this.end = this.#endOfLength();
    return outer;
  }

  leave(outer: number): void {
    this.pos = this.end;
    this.end = outer;
  }

  /** Also a tag: a field's number and its wire type. Bits above the 32nd are dropped. */
  uint32(): number {
    const { pos } = this;
    // Nearly all tags and lengths have one byte or two.
    if (pos + 1 < this.end) {
      const first = this.#bytes[pos] as number;
      if (first < 0x80) {
        this.pos = pos + 1;
        return first;
      }
      const second = this.#bytes[pos + 1] as number;
      if (second < 0x80) {
        this.pos = pos + 2;
        return (first & 0x7f) | (second << 7);
      }
    }
    this.#readVarint64();
    return this.#low >>> 0;
  }

  int32(): number {
    return this.uint32() | 0;
  }

  bool(): boolean {
    this.#readVarint64();
    return (this.#low | this.#high) !== 0;
  }

  uint64(): bigint {
    this.#readVarint64();
    halves[0] = this.#low;
    halves[1] = this.#high;
    return unsigned[0] as bigint;
  }

  int64(): bigint {
    this.#readVarint64();
    halves[0] = this.#low;
    halves[1] = this.#high;
    return signed[0] as bigint;
  }

  /** Reads a nested message, and adds what it has to the message. */
  message<T>(type: { read(from: WireReader, message: T): T }, message: T): T {
    const outer = this.enter();
    type.read(this, message);
    this.leave(outer);
    return message;
  }

  /** A view of the bytes, not a copy. */
  bytes(): Uint8Array {
    const end = this.#endOfLength();
    const start = this.pos;
    this.pos = end;
    return this.#given.subarray(start, end);
  }

  /** @throws Error if it is not UTF-8 */
  string(): string {
    const end = this.#endOfLength();
    const start = this.pos;
    this.pos = end;
    if (end === start) return '';
    if (end - start > recentBytes) return this.#utf8(start, end);
    const known = recent.find(this.#bytes, start, end);
    if (known !== undefined) return known;
    const text = this.#utf8(start, end);
    recent.keep(text, this.#bytes, start, end);
    return text;
  }

  /** Skips the value behind a tag. Groups, which no message of ours has, may be nested ten times. */
  skip(tag: number, depth = 0): void {
    const wireType = tag & 7;
    if (tag >>> 3 === 0) throw new Error('a field has the number 0');
    if (wireType === 0) this.#readVarint64();
    else if (wireType === 1) this.#skipBytes(8);
    else if (wireType === lengthDelimited) this.pos = this.#endOfLength();
    else if (wireType === 5) this.#skipBytes(4);
    else if (wireType === 3) this.#skipGroup(tag >>> 3, depth);
    else throw new Error(`field ${tag >>> 3} has the wire type ${wireType}, which begins no value`);
  }

  #utf8(start: number, end: number): string {
    const text = this.#bytes.toString('utf8', start, end);
    // It stands for bytes that are no UTF-8, or for itself. That is looked up only then, since it takes longer.
    if (text.includes(replacement) && !isUtf8(this.#bytes.subarray(start, end))) {
      throw new Error('a string is not UTF-8');
    }
    return text;
  }

  #skipGroup(field: number, depth: number): void {
    if (depth === groupsMax) throw new Error(`groups are nested more than ${groupsMax} times`);
    for (let tag = this.uint32(); tag !== ((field << 3) | 4) >>> 0; tag = this.uint32()) this.skip(tag, depth + 1);
  }

  #skipBytes(count: number): void {
    if (count > this.end - this.pos) throw endedEarly();
    this.pos += count;
  }

  /** Reads a length, and returns where what is so long ends. */
  #endOfLength(): number {
    const length = this.uint32();
    if (length > this.end - this.pos) throw endedEarly();
    return this.pos + length;
  }

  #readVarint64(): void {
    const bytes = this.#bytes;
    const { end } = this;
    let at = this.pos;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) throw endedEarly();
      const byte = bytes[at] as number;
      const bits = byte & 0x7f;
      at += 1;
      if (shift < 28) low |= bits << shift;
      else if (shift > 28) high |= bits << (shift - 32);
      else {
        low |= bits << 28;
        high = bits >>> 4;
      }
      if (byte < 0x80) {
        this.pos = at;
        this.#low = low;
        this.#high = high;
        return;
      }
    }
    throw new Error('a varint is longer than 10 bytes');
  }
}

const recent = new RecentTexts();
/** Of a longer text, the comparison takes as long as decoding it. */
const recentBytes = 40;
const groupsMax = 10;
const replacement = '\uFFFD';

// The same eight bytes as two numbers and as a bigint: no arithmetic with bigints is needed. Every platform of Node is little-endian.
const halves = new Int32Array(2);
const unsigned = new BigUint64Array(halves.buffer);
const signed = new BigInt64Array(halves.buffer);

function endedEarly(): Error {
  return new Error('the message ends in the middle of a field');
}
