/** Replaces every value beyond the bound. */
export const otherLabel = 'other';

/** Bounds the distinct values of a metric's label: the first ones stay, the rest become `other`. */
export class BoundedLabels {
  readonly #max: number;
  readonly #values = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  /** The value itself if it is among the first `max`, else `other`. A new value is added while there is capacity. */
  take(value: string): string {
    if (this.#values.has(value)) return value;
    if (this.#values.size >= this.#max) return otherLabel;
    this.#values.add(value);
    return value;
  }

  /** Like `take`, but adds nothing: for values that anybody can make up. */
  known(value: string): string {
    return this.#values.has(value) ? value : otherLabel;
  }
}
