import { codeLengths, codes, endOfString } from '../../../../src/transport/http2/hpack/huffman-code.ts';
import { staticFields } from '../../../../src/transport/http2/hpack/static-table.ts';

interface PlainField {
  readonly name: string;
  readonly value: string;
}

const symbols = new Map(
  [...codes].map((code, symbol) => [code.toString(2).padStart(codeLengths[symbol] ?? 0, '0'), symbol]),
);

/** RFC 7541 as it is written, with nothing remembered and a bit at a time, to compare with what ships. */
export class PlainDecoder {
  readonly #limitBytes: number;
  #tableBytes = 4_096;
  /** How often something was inserted, or the size changed. */
  changes = 0;
  /** Newest first. */
  #table: PlainField[] = [];

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** The fields of a block, or undefined if it is not one. Then nothing more may be decoded. */
  decode(block: Uint8Array): PlainField[] | undefined {
    try {
      return this.#decode(new Bits(block));
    } catch (error) {
      if (error === malformed) return undefined;
      throw error;
    }
  }

  #decode(bits: Bits): PlainField[] {
    const fields: PlainField[] = [];
    let sizeUpdates = 0;
    while (bits.left > 0) {
      if (bits.startsWith('1')) fields.push(this.#at(bits.integer(7)));
      else if (bits.startsWith('01')) {
        const field = this.#literal(bits, 6);
        fields.push(field);
        this.changes += 1;
        this.#table.unshift(field);
        this.#evict();
      } else if (bits.startsWith('001')) {
        this.#tableBytes = bits.integer(5);
        sizeUpdates += 1;
        this.changes += 1;
        if (this.#tableBytes > this.#limitBytes || fields.length > 0 || sizeUpdates > 2) throw malformed;
        this.#evict();
      } else {
        bits.skip(4);
        fields.push(this.#literal(bits, 4));
      }
    }
    return fields;
  }

  #literal(bits: Bits, prefix: number): PlainField {
    const index = bits.integer(prefix);
    const name = index === 0 ? bits.string() : this.#at(index).name;
    return { name, value: bits.string() };
  }

  #at(index: number): PlainField {
    const { length } = staticFields;
    const field = index <= length ? staticFields[index - 1] : this.#table[index - length - 1];
    if (field === undefined) throw malformed;
    return { name: field.name, value: field.value };
  }

  #evict(): void {
    const size = (): number => this.#table.reduce((sum, { name, value }) => sum + name.length + value.length + 32, 0);
    while (size() > this.#tableBytes) this.#table.pop();
  }
}

const malformed = new Error('this is not a block');

const bitsOf = Array.from({ length: 256 }, (_, byte) => byte.toString(2).padStart(8, '0'));

class Bits {
  readonly #bits: string;
  #at = 0;

  constructor(bytes: Uint8Array) {
    let bits = '';
    for (const byte of bytes) bits += bitsOf[byte];
    this.#bits = bits;
  }

  get left(): number {
    return this.#bits.length - this.#at;
  }

  /** Takes the bits if they come next. */
  startsWith(bits: string): boolean {
    const does = this.#bits.startsWith(bits, this.#at);
    if (does) this.skip(bits.length);
    return does;
  }

  skip(count: number): void {
    this.#at += count;
  }

  integer(prefix: number): number {
    const first = this.#number(prefix);
    if (first < 2 ** prefix - 1) return first;
    let value = first;
    for (let index = 0; index < 4; index++) {
      const more = this.#number(1);
      value += this.#number(7) * 128 ** index;
      if (more === 0) return value;
    }
    throw malformed;
  }

  string(): string {
    const isHuffman = this.#number(1) === 1;
    const length = this.integer(7);
    if (this.left < 8 * length) throw malformed;
    if (isHuffman) return huffman(this.#take(8 * length));
    let text = '';
    for (let index = 0; index < length; index++) text += String.fromCharCode(this.#number(8));
    return text;
  }

  #number(count: number): number {
    return Number.parseInt(this.#take(count), 2);
  }

  #take(count: number): string {
    if (this.left < count) throw malformed;
    this.skip(count);
    return this.#bits.slice(this.#at - count, this.#at);
  }
}

function huffman(bits: string): string {
  let text = '';
  let code = '';
  for (const bit of bits) {
    code += bit;
    const symbol = symbols.get(code);
    if (symbol === undefined) continue;
    if (symbol === endOfString) throw malformed;
    text += String.fromCharCode(symbol);
    code = '';
  }
  if (code.length > 7 || code.includes('0')) throw malformed;
  return text;
}
