import type { Series } from './series.ts';
import { labelsText } from './text-format.ts';

/** A value for each name. */
export type ValuesOf<Names extends readonly string[]> = { readonly [Index in keyof Names]: string };

/** The series of one metric, by their labels. It keeps each that was ever asked for, so the caller bounds the values. */
export class Labelled<S extends Series, Names extends readonly string[]> {
  readonly #names: Names;
  readonly #make: () => S;
  readonly #series = new Map<string, S>();

  constructor(names: Names, make: () => S) {
    this.#names = names;
    this.#make = make;
  }

  /** The one series with these labels. Asking takes longer than counting: keep the series where it is counted often. */
  at(...values: ValuesOf<Names>): S {
    const labels = labelsText(this.#names, values);
    const known = this.#series.get(labels);
    if (known) return known;
    const made = this.#make();
    this.#series.set(labels, made);
    return made;
  }

  /** Omits what was asked for and never counted. */
  lines(name: string): string[] {
    return [...this.#series].flatMap(([labels, series]) => (series.isUntouched ? [] : series.lines(name, labels)));
  }
}

/** The series of every value that a label can have. */
export function seriesOfEach<const V extends string, S>(values: readonly V[], seriesOf: (value: V) => S): Record<V, S> {
  return Object.fromEntries(values.map((value) => [value, seriesOf(value)])) as Record<V, S>;
}
