/** The label of everything beyond the bound. */
export const otherLabel = 'other';

/** Bounds the distinct values of a label: the first ones get series of their own, the rest share those of `other`. */
export class BoundedSeries<T> {
  readonly #max: number;
  readonly #make: (label: string) => T;
  readonly #byValue = new Map<string, T>();
  readonly #other: T;

  /** @param make Called once for each label that is used, and for `other`. */
  constructor(max: number, make: (label: string) => T) {
    this.#max = max;
    this.#make = make;
    this.#other = make(otherLabel);
  }

  /** The value's own series if it is among the first `max`, else the shared. A new value is added while there is capacity. */
  take(value: string): T {
    const known = this.#byValue.get(value);
    if (known !== undefined) return known;
    if (this.#byValue.size >= this.#max) return this.#other;
    const made = this.#make(value);
    this.#byValue.set(value, made);
    return made;
  }

  /** Like `take`, but adds nothing: for values that anybody can make up. */
  known(value: string): T {
    return this.#byValue.get(value) ?? this.#other;
  }
}
