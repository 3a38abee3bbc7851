import { DynamicTable, initialTableBytes } from './dynamic-table.ts';
import { fieldSize } from './header-field.ts';
import { staticFields } from './static-table.ts';

interface Entry {
  readonly name: string;
  readonly value: string;
  readonly size: number;
}

/** The entries of one name: an index of the static table, or how many were inserted before. */
interface Named {
  newest: number;
  readonly values: Map<string, number>;
}

const staticNames = namesOfStaticTable();

/** The tables as an encoder uses them: it looks for fields and finds indexes, or 0 for none. */
export class EncoderTable {
  readonly #table = new DynamicTable<Entry>(initialTableBytes, (entry) => this.#forget(entry));
  readonly #names = new Map<string, Named>();
  #inserted = 0;

  get maxBytes(): number {
    return this.#table.maxBytes;
  }

  indexOf(name: string, value: string): number {
    const number = this.#names.get(name)?.values.get(value);
    if (number !== undefined) return this.#indexAt(number);
    return staticNames.get(name)?.values.get(value) ?? 0;
  }

  indexOfName(name: string): number {
    const known = staticNames.get(name);
    if (known !== undefined) return known.newest;
    const named = this.#names.get(name);
    return named === undefined ? 0 : this.#indexAt(named.newest);
  }

  /** Inserts a field that is not there and fits. */
  insert(name: string, value: string): void {
    this.#table.insert({ name, value, size: fieldSize(name, value) });
    const named = this.#names.get(name) ?? { newest: 0, values: new Map() };
    named.newest = this.#inserted;
    named.values.set(value, this.#inserted);
    this.#names.set(name, named);
    this.#inserted += 1;
  }

  resize(maxBytes: number): void {
    this.#table.resize(maxBytes);
  }

  #indexAt(number: number): number {
    return staticFields.length + this.#inserted - number;
  }

  #forget({ name, value }: Entry): void {
    const named = this.#names.get(name);
    named?.values.delete(value);
    if (named?.values.size === 0) this.#names.delete(name);
  }
}

function namesOfStaticTable(): ReadonlyMap<string, Named> {
  const names = new Map<string, Named>();
  for (const [place, { name, value }] of staticFields.entries()) {
    const index = place + 1;
    const named = names.get(name) ?? { newest: index, values: new Map() };
    named.values.set(value, index);
    names.set(name, named);
  }
  return names;
}
