import { Encoded } from './encoded.ts';

/**
 * Writes encodings of messages one behind the other into blocks of memory: https://protobuf.dev/programming-guides/encoding/. Methods throw
 * an Error for a value that the field cannot hold.
 */
export class WireWriter {
  #bytes = Buffer.allocUnsafeSlow(blockBytes);
  /** How much of the block is written. */
  length = 0;
  /** Of the field that is being written, for errors. */
  #tag = 0;

  /** What was written from there on. Nothing is written over it, so it needs no copy; it keeps its block in memory. */
  bytesFrom(start: number): Uint8Array {
    const written = new Uint8Array(this.#bytes.buffer, start, this.length - start);
    const isGrown = this.#bytes.length > blockBytes;
    if (isGrown || this.#bytes.length - this.length < roomBytes) {
      this.#bytes = Buffer.allocUnsafeSlow(blockBytes);
      this.length = 0;
    }
    return written;
  }

  /** Drops what was written from there on. */
  cutTo(start: number): void {
    this.length = start;
  }

  /** Begins a field by its number and wire type, as generated code has them in one number. */
  tag(tag: number): void {
    this.#tag = tag;
    this.#reserve(5);
    this.#varint32(tag);
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) throw this.#cannotTake('uint32', value);
    this.#reserve(5);
    this.#varint32(value);
  }

  int32(value: number): void {
    if ((value | 0) !== value) throw this.#cannotTake('int32', value);
    this.#reserve(10);
    if (value >= 0) this.#varint32(value);
    else this.#varint64(value, -1);
  }

  bool(value: boolean): void {
    this.#reserve(1);
    this.#bytes[this.length] = value ? 1 : 0;
    this.length += 1;
  }

  uint64(value: bigint): void {
    unsigned[0] = value;
    if (unsigned[0] !== value) throw this.#cannotTake('uint64', value);
    this.#reserve(10);
    this.#varint64(halves[0] as number, halves[1] as number);
  }

  int64(value: bigint): void {
    signed[0] = value;
    if (signed[0] !== value) throw this.#cannotTake('int64', value);
    this.#reserve(10);
    this.#varint64(halves[0] as number, halves[1] as number);
  }

  bytes(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) throw this.#cannotTake('bytes', value);
    this.#reserve(5 + value.length);
    this.#varint32(value.length);
    this.#bytes.set(value, this.length);
    this.length += value.length;
  }

  /** As UTF-8; half a surrogate pair becomes U+FFFD. */
  string(value: string): void {
    if (typeof value !== 'string') throw this.#cannotTake('string', value);
    // UTF-8 needs at most three bytes for each unit of a string's length.
    this.#reserve(5 + 3 * value.length);
    if (value.length > asciiMax || !this.#asciiString(value)) this.#utf8String(value);
  }

  message<T>(type: { write(message: T, out: WireWriter): void }, message: T): void {
    if (message instanceof Encoded) {
      this.bytes(message.bytes);
      return;
    }
    const start = this.open();
    type.write(message, this);
    this.close(start);
  }

  /** Begins what is written behind its length, a message or a packed list, and returns its start for `close`. */
  open(): number {
    this.#reserve(2);
    this.length += 2;
    return this.length;
  }

  /** Writes the length of what was written since `open`. Two bytes are kept for it, which most lengths fit. */
  close(start: number): void {
    const length = this.length - start;
    const lengthBytes = varintBytes(length);
    if (lengthBytes !== 2) {
      this.#reserve(3);
      this.#bytes.copyWithin(start - 2 + lengthBytes, start, this.length);
    }
    this.length = start - 2;
    this.#varint32(length);
    this.length += length;
  }

  #asciiString(value: string): boolean {
    const bytes = this.#bytes;
    let at = this.length;
    bytes[at] = value.length;
    for (let index = 0; index < value.length; index += 1) {
      const unit = value.charCodeAt(index);
      if (unit >= 0x80) return false;
      at += 1;
      bytes[at] = unit;
    }
    this.length = at + 1;
    return true;
  }

  #utf8String(value: string): void {
    const start = this.length;
    const expected = varintBytes(value.length);
    const written = this.#bytes.write(value, start + expected, 'utf8');
    const lengthBytes = varintBytes(written);
    if (lengthBytes !== expected) {
      this.#bytes.copyWithin(start + lengthBytes, start + expected, start + expected + written);
    }
    this.#varint32(written);
    this.length += written;
  }

  #varint32(value: number): void {
    const bytes = this.#bytes;
    let at = this.length;
    let rest = value;
    while (rest > 0x7f) {
      bytes[at] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
      at += 1;
    }
    bytes[at] = rest;
    this.length = at + 1;
  }

  #varint64(low: number, high: number): void {
    let rest = low >>> 0;
    let above = high >>> 0;
    while (above !== 0) {
      this.#bytes[this.length] = (rest & 0x7f) | 0x80;
      this.length += 1;
      rest = ((rest >>> 7) | (above << 25)) >>> 0;
      above >>>= 7;
    }
    this.#varint32(rest);
  }

  #cannotTake(kind: string, value: unknown): Error {
    const found =
      typeof value === 'number' || typeof value === 'bigint' ? String(value) : `a value of type ${typeof value}`;
    return new Error(`field ${this.#tag >>> 3} takes ${kind}, not ${found}`);
  }

  #reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(needed + this.length);
    grown.set(this.#bytes.subarray(0, this.length));
    this.#bytes = grown;
  }
}

/** A larger block, for a message that needs it, is for that one only. */
const blockBytes = 16 * 1024;
/** A block with less room is not begun with, since most messages would not fit. */
const roomBytes = 1024;
/** Up to so many characters, a loop is faster than a call of the encoder. Their number fits into one byte. */
const asciiMax = 64;

// The same eight bytes as two numbers and as a bigint: no arithmetic with bigints is needed. Every platform of Node is little-endian.
const halves = new Uint32Array(2);
const unsigned = new BigUint64Array(halves.buffer);
const signed = new BigInt64Array(halves.buffer);

function varintBytes(value: number): number {
  if (value < 1 << 7) return 1;
  if (value < 1 << 14) return 2;
  if (value < 1 << 21) return 3;
  return value < 1 << 28 ? 4 : 5;
}
