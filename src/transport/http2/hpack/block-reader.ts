import { characterFaults } from './field-problem.ts';
import { HpackError } from './hpack-error.ts';
import { decodedBytesMax, decodeHuffman } from './huffman-decode.ts';

/** An integer takes so many bytes at most after its first, which is more than any index, size or length of ours needs. */
const moreBytes = 4;

/** Where strings are put together. One thread makes one string at a time, so all readers share it. */
const scratch = Buffer.allocUnsafe(4_096);

/** An array for each length of a short string. */
const shortCodes = Array.from({ length: 13 }, (_, length) => new Array<number>(length).fill(0));

/** Reads the integers and strings of one block after the other: https://www.rfc-editor.org/rfc/rfc7541#section-5 */
export class BlockReader {
  #bytes: Uint8Array = scratch;
  #at = 0;
  #end = 0;
  /** What is wrong with the characters of the string that was read last. */
  faults = 0;

  start(block: Uint8Array): void {
    this.#bytes = block;
    this.#at = 0;
    this.#end = block.length;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#end;
  }

  /** The byte that comes next. */
  peek(): number {
    return this.#bytes[this.#at] ?? 0;
  }

  /** An integer whose first byte gives it the bits of the mask. */
  integer(mask: number): number {
    const bytes = this.#bytes;
    let value = (bytes[this.#at++] ?? 0) & mask;
    if (value < mask) return value;
    for (let index = 0; index < moreBytes; index++) {
      if (this.#at >= this.#end) throw new HpackError('a header block ends within an integer');
      const byte = bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) << (7 * index);
      if (byte < 0x80) return value;
    }
    throw new HpackError(`an integer of a header block has more than ${1 + moreBytes} bytes`);
  }

  /** A character for each byte. */
  string(): string {
    if (this.isAtEnd) throw new HpackError('a header block ends before a string');
    const isHuffman = this.peek() >= 0x80;
    const bytes = this.integer(0x7f);
    const start = this.#at;
    const end = start + bytes;
    if (end > this.#end) {
      throw new HpackError(
        `a string of ${bytes} bytes is announced, and its header block has ${this.#end - start} more`,
      );
    }
    this.#at = end;
    const out = scratchOf(isHuffman ? decodedBytesMax(bytes) : bytes);
    const length = isHuffman ? decodeHuffman(this.#bytes, start, end, out) : copy(this.#bytes, start, end, out);
    let faults = 0;
    for (let index = 0; index < length; index++) faults |= characterFaults[out[index] ?? 0] ?? 0;
    this.faults = faults;
    return textOf(out, length);
  }
}

/** A short string is made here faster than by a call out of JavaScript. */
function textOf(bytes: Buffer, length: number): string {
  const codes = shortCodes[length];
  if (codes === undefined) return bytes.toString('latin1', 0, length);
  for (let index = 0; index < length; index++) codes[index] = bytes[index] ?? 0;
  return String.fromCharCode.apply(null, codes);
}

function copy(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  for (let index = start; index < end; index++) out[index - start] = bytes[index] ?? 0;
  return end - start;
}

function scratchOf(bytes: number): Buffer {
  return bytes <= scratch.length ? scratch : Buffer.allocUnsafe(bytes);
}
