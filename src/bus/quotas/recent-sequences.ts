const none = -1;
const slotsMin = 64;

/**
 * Remembers the newest of the sequences that were added, in 8 bytes each: the last `max` if there are no gaps between them. With gaps, a
 * later one may take the place of one of these.
 */
export class RecentSequences {
  readonly #max: number;
  #slots = emptySlots(slotsMin);

  constructor(max: number) {
    this.#max = max;
  }

  has(sequence: bigint): boolean {
    const number = Number(sequence);
    return this.#slots[number % this.#slots.length] === number;
  }

  add(sequence: bigint): void {
    const number = Number(sequence);
    // Several sequences would be this number. No sidecar gets there.
    if (number > Number.MAX_SAFE_INTEGER) return;
    while (this.#slots.length < this.#max && this.#isTaken(number)) this.#grow();
    this.#slots[number % this.#slots.length] = number;
  }

  #isTaken(number: number): boolean {
    const other = this.#slots[number % this.#slots.length];
    return other !== none && other !== number;
  }

  #grow(): void {
    const slots = emptySlots(Math.min(this.#max, this.#slots.length * 2));
    for (const number of this.#slots) if (number !== none) slots[number % slots.length] = number;
    this.#slots = slots;
  }
}

function emptySlots(count: number): Float64Array {
  return new Float64Array(count).fill(none);
}
