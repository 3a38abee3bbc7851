import { isUtf8 } from 'node:buffer';

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
    if (pos < this.end) {
      const byte = this.#bytes[pos] as number;
      if (byte < 0x80) {
        this.pos = pos + 1;
        return byte;
      }
    }
    return this.#longUint32();
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

  /** A view of the bytes, not a copy. */
  bytes(): Uint8Array {
    const end = this.#endOfLength();
    const start = this.pos;
    this.pos = end;
    return this.#given.subarray(start, end);
  }

  /** @throws Error if it is no UTF-8 */
  string(): string {
    const end = this.#endOfLength();
    const start = this.pos;
    this.pos = end;
    if (end - start > loopMax) return this.#utf8(start, end);
    let text = '';
    for (let at = start; at < end; at += 1) {
      const byte = this.#bytes[at] as number;
      if (byte >= 0x80) return this.#utf8(start, end);
      text += String.fromCharCode(byte);
    }
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

  #longUint32(): number {
    this.#readVarint64();
    return this.#low >>> 0;
  }

  #readVarint64(): void {
    this.#low = 0;
    this.#high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.pos >= this.end) throw endedEarly();
      const byte = this.#bytes[this.pos] as number;
      this.pos += 1;
      const bits = byte & 0x7f;
      if (shift < 32) this.#low |= bits << shift;
      if (shift === 28) this.#high = bits >>> 4;
      if (shift > 28) this.#high |= bits << (shift - 32);
      if (byte < 0x80) return;
    }
    throw new Error('a varint is longer than 10 bytes');
  }
}

/** Up to so many bytes, a loop is faster than a call of the decoder. */
const loopMax = 8;
const groupsMax = 10;
const replacement = '\uFFFD';

// The same eight bytes as two numbers and as a bigint: no arithmetic with bigints is needed. Every platform of Node is little-endian.
const halves = new Int32Array(2);
const unsigned = new BigUint64Array(halves.buffer);
const signed = new BigInt64Array(halves.buffer);

function endedEarly(): Error {
  return new Error('the message ends in the middle of a field');
}
