/** Until a connection's settings say otherwise, in bytes: https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2 */
export const initialTableBytes = 4_096;

const firstSlots = 16;

/** The newest fields of one direction of a connection, as many as fit: https://www.rfc-editor.org/rfc/rfc7541#section-2.3.2 */
export class DynamicTable<Field extends { readonly size: number }> {
  #maxBytes: number;
  #bytes = 0;
  /** A ring. Its length is a power of two, so that a mask gives a slot's place. */
  #slots: (Field | undefined)[] = new Array(firstSlots).fill(undefined);
  #next = 0;
  #count = 0;
  readonly #evicted: ((field: Field) => void) | undefined;

  constructor(maxBytes: number, evicted?: (field: Field) => void) {
    this.#maxBytes = maxBytes;
    this.#evicted = evicted;
  }

  get count(): number {
    return this.#count;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** The field that was inserted before `age` newer ones, or undefined if there is none. */
  get(age: number): Field | undefined {
    if (age >= this.#count) return undefined;
    const slots = this.#slots;
    return slots[(this.#next - 1 - age) & (slots.length - 1)];
  }

  /** A field that is larger than the table empties it: https://www.rfc-editor.org/rfc/rfc7541#section-4.4 */
  insert(field: Field): void {
    this.#evictTo(this.#maxBytes - field.size);
    if (field.size > this.#maxBytes) return;
    if (this.#count === this.#slots.length) this.#grow();
    this.#slots[this.#next] = field;
    this.#next = (this.#next + 1) & (this.#slots.length - 1);
    this.#count += 1;
    this.#bytes += field.size;
  }

  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#evictTo(maxBytes);
  }

  #evictTo(bytes: number): void {
    const slots = this.#slots;
    while (this.#count > 0 && this.#bytes > bytes) {
      const place = (this.#next - this.#count) & (slots.length - 1);
      const oldest = slots[place];
      slots[place] = undefined;
      this.#count -= 1;
      if (oldest === undefined) continue;
      this.#bytes -= oldest.size;
      this.#evicted?.(oldest);
    }
  }

  #grow(): void {
    const { length } = this.#slots;
    const oldestFirst = Array.from({ length }, (_, index) => this.get(length - 1 - index));
    this.#slots = [...oldestFirst, ...new Array(length).fill(undefined)];
    this.#next = length;
  }
}
