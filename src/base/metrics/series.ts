import { labelsText, numberText, sampleLine } from './text-format.ts';

/** What a metric counts for one combination of labels. */
export interface Series {
  /** Nothing was counted yet. */
  readonly isUntouched: boolean;
  /** Its lines in the text format. */
  lines(name: string, labels: string): string[];
}

/** A count that only grows. */
export class Counter implements Series {
  #value = 0;

  get isUntouched(): boolean {
    return this.#value === 0;
  }

  /** Ignores what is not a number or would make the count smaller. */
  add(count = 1): void {
    if (count > 0) this.#value += count;
  }

  lines(name: string, labels: string): string[] {
    return [sampleLine(name, labels, this.#value)];
  }
}

/** Counts values by the first of its bounds that they do not exceed. */
export class Histogram implements Series {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  /** @param bounds ascending; what exceeds them all is counted too. */
  constructor(bounds: readonly number[]) {
    this.#bounds = [...bounds, Infinity];
    this.#counts = this.#bounds.map(() => 0);
  }

  get isUntouched(): boolean {
    return this.#counts.every((count) => count === 0);
  }

  /** Ignores what is not a finite number, which would spoil the sum for good. */
  observe(value: number): void {
    if (!Number.isFinite(value)) return;
    let index = 0;
    while (value > (this.#bounds[index] ?? Infinity)) index += 1;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sum += value;
  }

  lines(name: string, labels: string): string[] {
    let total = 0;
    const buckets = this.#bounds.map((bound, index) => {
      total += this.#counts[index] ?? 0;
      const le = labelsText(['le'], [numberText(bound)]);
      return sampleLine(`${name}_bucket`, labels === '' ? le : `${le},${labels}`, total);
    });
    return [...buckets, sampleLine(`${name}_sum`, labels, this.#sum), sampleLine(`${name}_count`, labels, total)];
  }
}
