import path from 'node:path';
import { runtimeFlags } from '../../../src/buildpack/runtime-flags.ts';
import { Program } from '../../sidecar/processes.ts';
import { type Load, type Percentiles, timeRequests } from '../generator/h2load.ts';
import { type Cost, MeasuredLoad } from '../generator/measured-load.ts';
import { payload, requestBodies } from '../generator/request-bodies.ts';
import { echoPath } from './echo-path.ts';

/** Of a round's length, since their figures are divided by and not shown. */
const shareOfRound = 0.6;

export interface Echo {
  readonly rate: () => Promise<Cost>;
  readonly alone: (calls: number) => Promise<Percentiles>;
}

/** The servers that every row is measured beside, on the runtime and the flags of the sidecar. */
export async function startEchoes(roundMs: number): Promise<{ readonly grpcJs: Echo; readonly http2: Echo }> {
  const bodyFile = requestBodies.echo();
  const start = async (file: string): Promise<Echo> => {
    const program = new Program([...runtimeFlags, path.join(import.meta.dirname, file)]);
    const [, address = ''] = await program.seen(/listens (\S+)/);
    const load: Load = { address, path: echoPath, bodyFile, inFlight: 64 };
    const measured = new MeasuredLoad(load, { pids: [program.pid], answerBytes: 5 + payload.length });
    return {
      rate: () => measured.run(roundMs * shareOfRound),
      alone: (calls) => timeRequests(load, calls),
    };
  };
  return { grpcJs: await start('grpc-js-echo.ts'), http2: await start('http2-echo.ts') };
}
