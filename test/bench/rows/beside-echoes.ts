import { inTurns, type Round, type Scale } from '../benchmark.ts';
import { startEchoes } from '../echo/echoes.ts';
import type { Cost, MeasuredLoad } from '../generator/measured-load.ts';

type CostRound = Readonly<Record<'grpcJs' | 'http2' | 'measured', Cost>>;

/** Runs a load and the same load of the bare echoes in turns. */
export async function besideEchoes(load: MeasuredLoad, { rounds, roundMs }: Scale): Promise<readonly CostRound[]> {
  const { grpcJs, http2 } = await startEchoes(roundMs);
  const measures = { grpcJs: grpcJs.rate, http2: http2.rate, measured: () => load.run(roundMs) };
  return inTurns(rounds, measures);
}

export function rates(rounds: readonly CostRound[]): Round[] {
  return rounds.map(({ grpcJs, http2, measured }) => ({
    measured: measured.perSecond,
    baseline: grpcJs.perSecond,
    http2: http2.perSecond,
  }));
}

/** The processor's time of one of the processes, or of all of them, beside that of the echo's process. */
export function cpuTimes(rounds: readonly CostRound[], of: number | 'all'): Round[] {
  const sum = ({ cpuUs }: Cost): number => cpuUs.reduce((total, each) => total + each, 0);
  return rounds.map(({ grpcJs, http2, measured }) => ({
    measured: of === 'all' ? sum(measured) : (measured.cpuUs[of] ?? Number.NaN),
    baseline: sum(grpcJs),
    http2: sum(http2),
  }));
}
