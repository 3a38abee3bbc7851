/** What stands for every value beyond the bound. */
export const otherLabel = 'other';

/** Keeps the distinct values of a metric's label under a bound, however many values come: the first ones stay, the rest are `other`. */
export class BoundedLabels {
  readonly #max: number;
  readonly #values = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  /** The value itself while it is among the first `max`, which it joins if there is room. */
  take(value: string): string {
    if (this.#values.has(value)) return value;
    if (this.#values.size >= this.#max) return otherLabel;
    this.#values.add(value);
    return value;
  }

  /** Like `take`, for a value that must not use up room, because anybody can make it up. */
  known(value: string): string {
    return this.#values.has(value) ? value : otherLabel;
  }
}
