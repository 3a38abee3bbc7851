/** One sample for each ten seconds of the last hour. */
export const samplesMax = 360;
export const sampleEveryMs = 10_000;

/** The newest `samplesMax` values of a series, in memory of a fixed size. */
export class HourRing {
  readonly #values = new Float64Array(samplesMax);
  #added = 0;

  add(value: number): void {
    this.#values[this.#added % samplesMax] = value;
    this.#added += 1;
  }

  /** Oldest first, each rounded to three digits. */
  values(): number[] {
    const size = Math.min(this.#added, samplesMax);
    return Array.from({ length: size }, (_, index) =>
      rounded(this.#values[(this.#added - size + index) % samplesMax] ?? 0),
    );
  }

  get newest(): number {
    return this.#added === 0 ? 0 : rounded(this.#values[(this.#added - 1) % samplesMax] ?? 0);
  }
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
