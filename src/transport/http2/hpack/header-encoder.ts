import { BlockWriter } from './block-writer.ts';
import { initialTableBytes } from './dynamic-table.ts';
import { EncoderTable } from './encoder-table.ts';
import { fieldSize } from './header-field.ts';
import { RecentLists } from './recent-lists.ts';

/** A field to send. Each character of name and value is sent as one byte. */
export interface SentField {
  readonly name: string;
  readonly value: string;
  /** `table` for a field that will be sent again, `literal` for one that will not, `never` for a secret that no hop may compress. */
  readonly indexing: 'table' | 'literal' | 'never';
}

/** One block is written at a time, so all encoders share it and its memory. */
const writer = new BlockWriter();

/** Encodes the header blocks that we send on one connection, in their order. */
export class HeaderEncoder {
  readonly #maxTableBytes: number;
  readonly #table = new EncoderTable();
  /** The smallest table that was agreed on since the last block, and the one from the next block on. */
  #smallestBytes: number;
  #tableBytes: number;
  /** Of lists that are all in the tables. */
  readonly #recent = new RecentLists<readonly SentField[]>();

  /** @param maxTableBytes what the table takes at most, whatever the peer allows */
  constructor(maxTableBytes: number = initialTableBytes) {
    this.#maxTableBytes = maxTableBytes;
    this.#tableBytes = Math.min(maxTableBytes, initialTableBytes);
    this.#smallestBytes = this.#tableBytes;
  }

  /** Takes over the peer's SETTINGS_HEADER_TABLE_SIZE. The next block tells it what we use: https://www.rfc-editor.org/rfc/rfc7541#section-4.2 */
  limitTable(bytes: number): void {
    this.#tableBytes = Math.min(bytes, this.#maxTableBytes);
    this.#smallestBytes = Math.min(this.#smallestBytes, this.#tableBytes);
  }

  /** The block, which is only read and never changed: equal lists may share it. */
  encode(fields: readonly SentField[]): Uint8Array {
    const isResized = this.#tableBytes !== this.#table.maxBytes || this.#smallestBytes < this.#table.maxBytes;
    if (!isResized) {
      const known = this.#recent.find(fields);
      if (known !== undefined) return known;
    }
    writer.start(bytesAtMost(fields));
    if (isResized) this.#resize();
    let isAllIndexed = true;
    for (const field of fields) {
      if (!this.#write(field)) isAllIndexed = false;
    }
    const block = writer.end();
    if (isAllIndexed) this.#recent.add(fields, block);
    return block;
  }

  #resize(): void {
    if (this.#smallestBytes < Math.min(this.#tableBytes, this.#table.maxBytes)) this.#resizeTo(this.#smallestBytes);
    this.#resizeTo(this.#tableBytes);
    this.#smallestBytes = this.#tableBytes;
  }

  /** https://www.rfc-editor.org/rfc/rfc7541#section-6.3 */
  #resizeTo(bytes: number): void {
    writer.integer(0x20, 0x1f, bytes);
    this.#table.resize(bytes);
    this.#recent.clear();
  }

  /** Whether an index says it all. */
  #write({ name, value, indexing }: SentField): boolean {
    const table = this.#table;
    if (indexing === 'table') {
      const index = table.indexOf(name, value);
      if (index > 0) {
        writer.integer(0x80, 0x7f, index);
        return true;
      }
    }
    const nameIndex = table.indexOfName(name);
    // A larger field would evict most of the others.
    if (indexing === 'table' && 2 * fieldSize(name, value) <= table.maxBytes) {
      writer.integer(0x40, 0x3f, nameIndex);
      if (nameIndex === 0) writer.shortString(name);
      writer.shortString(value);
      table.insert(name, value);
      this.#recent.clear();
      return false;
    }
    // Huffman-coding what is sent once costs both ends more than the bytes that it saves.
    writer.integer(indexing === 'never' ? 0x10 : 0, 0x0f, nameIndex);
    if (nameIndex === 0) writer.string(name);
    writer.string(value);
    return false;
  }
}

/** More than the fields can take: each has up to three integers, and size updates come first. */
function bytesAtMost(fields: readonly SentField[]): number {
  let bytes = 16;
  for (const { name, value } of fields) bytes += name.length + value.length + 16;
  return bytes;
}
