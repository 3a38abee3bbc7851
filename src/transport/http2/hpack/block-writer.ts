import { encodeHuffman, huffmanBytes } from './huffman-encode.ts';

/** Blocks are cut from memory of this size, since an allocation for each of them costs more than what is in it. */
const slabBytes = 8_192;

/** Writes the integers and strings of one block after the other: https://www.rfc-editor.org/rfc/rfc7541#section-5 */
export class BlockWriter {
  #bytes = new Uint8Array(0);
  #start = 0;
  #at = 0;

  /** Begins a block of at most so many bytes. */
  start(atMost: number): void {
    if (this.#bytes.length - this.#at < atMost) {
      this.#bytes = new Uint8Array(Math.max(atMost, slabBytes));
      this.#at = 0;
    }
    this.#start = this.#at;
  }

  /** The block. It is never written again. */
  end(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#at);
  }

  /** An integer, below 2^28, in as many bits of its first byte as the mask has. The pattern is the byte's other bits. */
  integer(pattern: number, mask: number, value: number): void {
    const bytes = this.#bytes;
    if (value < mask) {
      bytes[this.#at++] = pattern | value;
      return;
    }
    bytes[this.#at++] = pattern | mask;
    let rest = value - mask;
    while (rest >= 0x80) {
      bytes[this.#at++] = rest | 0x80;
      rest >>= 7;
    }
    bytes[this.#at++] = rest;
  }

  string(text: string): void {
    this.integer(0, 0x7f, text.length);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let index = 0; index < text.length; index++) bytes[at++] = text.charCodeAt(index);
    this.#at = at;
  }

  /** Huffman-coded if that is shorter. */
  shortString(text: string): void {
    const length = huffmanBytes(text);
    if (length >= text.length) {
      this.string(text);
      return;
    }
    this.integer(0x80, 0x7f, length);
    this.#at = encodeHuffman(text, this.#bytes, this.#at);
  }
}
