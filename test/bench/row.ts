import type { Aim, Need, Round, RowPlan } from './benchmark.ts';
import { percentile } from './percentile.ts';

/** One line of the table. Ratios are of one run on one machine, so they say more than what they are made of. */
export interface Row extends RowPlan {
  readonly measured: number;
  readonly baseline: number;
  readonly ratio: number;
  readonly lowest: number;
  readonly highest: number;
  /** Beside the bare node:http2 echo. */
  readonly http2Ratio?: number;
  readonly met?: boolean;
}

/** A line without figures, and what its measuring needs and this machine does not have. */
export interface MissingRow extends RowPlan {
  readonly missing: Need;
}

/** Medians: of the ratios of the rounds, not the ratio of the medians, with the lowest and the highest of them. */
export function rowOf(plan: RowPlan, rounds: readonly Round[]): Row {
  const median = (of: (round: Round) => number): number => percentile(rounds.map(of), 50);
  const ratios = rounds.map(({ measured, baseline }) => measured / baseline);
  const figures = {
    measured: median(({ measured }) => measured),
    baseline: median(({ baseline }) => baseline),
    ratio: percentile(ratios, 50),
    lowest: Math.min(...ratios),
    highest: Math.max(...ratios),
  };
  const isBesideHttp2 = rounds.every(({ http2 }) => http2 !== undefined);
  return {
    ...plan,
    ...figures,
    ...(isBesideHttp2 && { http2Ratio: median(({ measured, http2 = Number.NaN }) => measured / http2) }),
    ...(plan.aim && { met: isMet(plan.aim, judged(plan.aim, figures.ratio, median)) }),
  };
}

function judged({ of }: Aim, ratio: number, median: (of: (round: Round) => number) => number): number {
  if (of === 'ratio') return ratio;
  return median(({ measured, baseline }) => (of === 'difference' ? measured - baseline : measured));
}

function isMet({ atLeast = -Infinity, atMost = Infinity }: Aim, value: number): boolean {
  return value >= atLeast && value <= atMost;
}
