const slotsMin = 16;

/**
 * Values under the numbers 1, 2, 3 and so on, in the order in which they were added. Every step takes constant time on average, whatever
 * was deleted before: to find the first key of a map, its deleted keys are walked over.
 */
export class SequenceRing<T extends object> {
  #slots: (T | undefined)[] = emptySlots(slotsMin);
  /** The slot of the number `#first`. */
  #head = 0;
  /** No lower number has a value. It has one itself, unless the ring is empty. */
  #first = 1;
  #next = 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The number that the next value will get. */
  get next(): number {
    return this.#next;
  }

  /** The lowest number with a value. `next` if there is none. */
  get first(): number {
    return this.#first;
  }

  /** The value with the lowest number. */
  get oldest(): T | undefined {
    return this.#slots[this.#head];
  }

  /** Adds the value under the number `next`. */
  push(value: T): void {
    if (this.#next - this.#first === this.#slots.length) this.#resize(this.#slots.length * 2);
    this.#slots[this.#slotOf(this.#next)] = value;
    this.#next += 1;
    this.#size += 1;
  }

  /** Undefined if it was deleted or never added. */
  get(number: number): T | undefined {
    return number >= this.#first && number < this.#next ? this.#slots[this.#slotOf(number)] : undefined;
  }

  /** Returns the deleted value. Undefined if there was none. */
  delete(number: number): T | undefined {
    const value = this.get(number);
    if (value === undefined) return undefined;
    this.#slots[this.#slotOf(number)] = undefined;
    this.#size -= 1;
    this.#passDeleted();
    return value;
  }

  /** The values by ascending number. Those deleted meanwhile are left out. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (let number = this.#first; number < this.#next; number += 1) {
      const value = this.get(number);
      if (value !== undefined) yield value;
    }
  }

  #slotOf(number: number): number {
    // The count of slots is a power of two.
    return (this.#head + number - this.#first) & (this.#slots.length - 1);
  }

  #passDeleted(): void {
    while (this.#first < this.#next && this.#slots[this.#head] === undefined) {
      this.#first += 1;
      this.#head = (this.#head + 1) & (this.#slots.length - 1);
    }
    const isSparse = this.#next - this.#first < this.#slots.length / 8;
    if (isSparse && this.#slots.length > slotsMin) this.#resize(this.#slots.length / 2);
  }

  #resize(length: number): void {
    const slots = emptySlots<T>(length);
    for (let number = this.#first; number < this.#next; number += 1) {
      slots[number - this.#first] = this.#slots[this.#slotOf(number)];
    }
    this.#slots = slots;
    this.#head = 0;
  }
}

function emptySlots<T>(length: number): (T | undefined)[] {
  return new Array<T | undefined>(length).fill(undefined);
}
