/** How long a run may take: `quick` shows that everything works, `full` gives figures worth reading. */
export interface Scale {
  readonly pairs: number;
  readonly messages: number;
  readonly calls: number;
}

/** Two ways to do a thing, each measured once in every pair, one after the other. */
export interface Comparison {
  /** What is measured, and of what: `publishes/s, streamed to unary`. */
  readonly what: string;
  readonly unit: string;
  readonly pairs: readonly Pair[];
}

export interface Pair {
  readonly measured: number;
  readonly baseline: number;
}

export interface Benchmark {
  readonly name: string;
  run(scale: Scale): Promise<readonly Comparison[]>;
}

/** One line of the table. Ratios are of one run on one machine, so they say more than what they are made of. */
export interface Row {
  readonly benchmark: string;
  readonly what: string;
  readonly unit: string;
  readonly ratio: number;
  readonly lowest: number;
  readonly highest: number;
  readonly measured: number;
  readonly baseline: number;
}

export function rowOf(benchmark: string, { what, unit, pairs }: Comparison): Row {
  const ratios = pairs.map(({ measured, baseline }) => measured / baseline);
  return {
    benchmark,
    what,
    unit,
    ratio: percentile(ratios, 50),
    lowest: Math.min(...ratios),
    highest: Math.max(...ratios),
    measured: percentile(
      pairs.map(({ measured }) => measured),
      50,
    ),
    baseline: percentile(
      pairs.map(({ baseline }) => baseline),
      50,
    ),
  };
}

/** The value that this many percent of the values do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1))] ?? Number.NaN;
}

/** Measures both in turn, so that what else the machine does falls on both alike. */
export async function inPairs(
  count: number,
  measure: () => Promise<number>,
  baseline: () => Promise<number>,
): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let index = 0; index < count; index += 1) {
    // Alternating who goes first keeps a drift of the machine out of the ratio.
    const isFirst = index % 2 === 0;
    const before = isFirst ? undefined : await baseline();
    const measured = await measure();
    pairs.push({ measured, baseline: before ?? (await baseline()) });
  }
  return pairs;
}
