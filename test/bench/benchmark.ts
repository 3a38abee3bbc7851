/** How long a run may take: `quick` shows that everything works, `full` gives figures worth reading. */
export interface Scale {
  readonly rounds: number;
  /** How long each load of a round lasts. */
  readonly roundMs: number;
  /** Calls of a round that are made one after the other. */
  readonly calls: number;
  /** Plugins that publish at the same time, in rows that have many. */
  readonly plugins: number;
  /** The most subscriptions of a row that has many. */
  readonly subscriptions: number;
}

/** A figure, and that of what it stands beside, measured one after the other. */
export interface Round {
  readonly measured: number;
  readonly baseline: number;
  /** The same of the bare node:http2 echo, where the baseline is the grpc-js echo. */
  readonly http2?: number;
}

/** What is aimed at: of the ratio to the baseline, of the difference to it, or of the figure by itself. */
export interface Aim {
  readonly of: 'ratio' | 'difference' | 'figure';
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** What is known of a row before it is measured. */
export interface RowPlan {
  readonly row: string;
  readonly unit: string;
  /** What the baseline is of. */
  readonly beside: string;
  readonly aim?: Aim;
}

/** Programs of others. */
export type Need = 'h2load' | 'nats-server';

/** Some rows that are measured together. */
export interface Benchmark {
  /** What this machine may not have. Absent: nothing. */
  readonly needs?: Need;
  readonly plans: readonly RowPlan[];
  /** The rounds of each plan, in the same order. */
  run(scale: Scale): Promise<readonly (readonly Round[])[]>;
}

/** The baseline of most rows; the echo of node:http2 has a column of its own. */
export const grpcJsEcho = 'grpc-js';

/** Does everything once in each round, and lets another one go first each time, so that a drift of the machine falls on all alike. */
export async function inTurns<Name extends string, Result>(
  rounds: number,
  measures: Readonly<Record<Name, () => Promise<Result>>>,
): Promise<Readonly<Record<Name, Result>>[]> {
  const names = Object.keys(measures) as Name[];
  const results: Record<Name, Result>[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const result = {} as Record<Name, Result>;
    const first = round % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) result[name] = await measures[name]();
    results.push(result);
  }
  return results;
}
