import { BlockReader } from './block-reader.ts';
import { DynamicTable, initialTableBytes } from './dynamic-table.ts';
import { fieldNamedAs, type HeaderField, judgedField } from './header-field.ts';
import { HpackError } from './hpack-error.ts';
import { RecentBlocks } from './recent-blocks.ts';
import { staticFields } from './static-table.ts';

/** https://www.rfc-editor.org/rfc/rfc7541#section-4.2 */
const sizeUpdatesMax = 2;

/** A list of more fields is decoded each time, so that a connection's peer cannot have us remember much. */
const recentFields = 64;

/** One block is read at a time, so all decoders share it. One for each would retain the memory that its last block came in. */
const reader = new BlockReader();

/** What a header block says. */
export interface HeaderList {
  readonly fields: readonly HeaderField[];
  /** The sum of all fields' sizes, in bytes: https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2 */
  readonly size: number;
  /** The list is over the limit: its fields were dropped, the table is still right. */
  readonly isTooLarge: boolean;
  /** A place for what its reader derived from it: a block of the same bytes gives the same object while the table has not changed. */
  derived: unknown;
}

/** Decodes the header blocks that one peer sends on one connection, in their order. */
export class HeaderDecoder {
  readonly #tableBytes: number;
  readonly #listBytes: number;
  readonly #table = new DynamicTable<HeaderField>(initialTableBytes);
  readonly #recent = new RecentBlocks<HeaderList>();

  /**
   * @param limits.tableBytes the SETTINGS_HEADER_TABLE_SIZE that we send: 4,096, which a peer uses before it reads ours, or more
   * @param limits.listBytes the largest size of a list whose fields are kept
   */
  constructor(limits: { readonly tableBytes: number; readonly listBytes: number }) {
    if (limits.tableBytes < initialTableBytes) {
      throw new RangeError(`a table of ${limits.tableBytes} bytes is smaller than a peer expects at first`);
    }
    this.#tableBytes = limits.tableBytes;
    this.#listBytes = limits.listBytes;
  }

  /**
   * Decodes a whole block. Nothing may be decoded after an error.
   * @throws HpackError
   */
  decode(block: Uint8Array): HeaderList {
    const known = this.#recent.find(block);
    if (known !== undefined) return known;
    reader.start(block);
    let changesTable = this.#readSizeUpdates();
    let fields: HeaderField[] = [];
    let size = 0;
    while (!reader.isAtEnd) {
      const first = reader.peek();
      let field: HeaderField;
      if (first >= 0x80) field = this.#fieldAt(reader.integer(0x7f));
      else if (first >= 0x40) {
        field = this.#literal(0x3f);
        this.#table.insert(field);
        changesTable = true;
      } else if (first >= 0x20) {
        throw new HpackError('a header block changes the size of the table after its beginning');
      } else field = this.#literal(0x0f);
      size += field.size;
      if (size <= this.#listBytes) fields.push(field);
    }
    const isTooLarge = size > this.#listBytes;
    if (isTooLarge) fields = [];
    const list: HeaderList = { fields, size, isTooLarge, derived: undefined };
    if (changesTable) this.#recent.clear();
    else if (fields.length <= recentFields) this.#recent.add(block, list);
    return list;
  }

  /** Whether there are any: https://www.rfc-editor.org/rfc/rfc7541#section-6.3 */
  #readSizeUpdates(): boolean {
    let updates = 0;
    while (!reader.isAtEnd && (reader.peek() & 0xe0) === 0x20) {
      updates += 1;
      if (updates > sizeUpdatesMax)
        throw new HpackError('a header block changes the size of the table more than twice');
      const bytes = reader.integer(0x1f);
      if (bytes > this.#tableBytes) {
        throw new HpackError(`a header block asks for a table of ${bytes} bytes; ${this.#tableBytes} are allowed`);
      }
      this.#table.resize(bytes);
    }
    return updates > 0;
  }

  /** https://www.rfc-editor.org/rfc/rfc7541#section-6.2 */
  #literal(indexMask: number): HeaderField {
    const index = reader.integer(indexMask);
    if (index > 0) {
      const other = this.#fieldAt(index);
      const value = reader.string();
      return fieldNamedAs(other, value, reader.faults);
    }
    const name = reader.string();
    const nameFaults = reader.faults;
    const value = reader.string();
    return judgedField(name, nameFaults, value, reader.faults);
  }

  /** https://www.rfc-editor.org/rfc/rfc7541#section-2.3.3 */
  #fieldAt(index: number): HeaderField {
    const field =
      index <= staticFields.length ? staticFields[index - 1] : this.#table.get(index - 1 - staticFields.length);
    if (field === undefined) {
      throw new HpackError(`a header block names the field ${index} of ${staticFields.length + this.#table.count}`);
    }
    return field;
  }
}
