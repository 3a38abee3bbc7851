import path from 'node:path';
import { ownLoopback } from '../sidecar/own-loopback.ts';
import { policyText, type RunningProgram, writeTemporary } from '../sidecar/processes.ts';
import { GroupedProgram } from './grouped-program.ts';

export interface GroupedBus extends RunningProgram {
  readonly grouped: GroupedProgram;
  readonly metricsUrl: string;
  readonly storeFile: string;
}

export interface GroupedBusOptions {
  readonly limitMb: number;
  /** Text of the policy file; the one of the other tests when absent. */
  readonly policy?: string | undefined;
  /** More flags than where it listens, its policy, its store and its metrics. */
  readonly flags?: readonly string[] | undefined;
}

/** Starts a bus with an SQLite store by the wrapper, in a control group. */
export async function startGroupedBus({ limitMb, policy, flags = [] }: GroupedBusOptions): Promise<GroupedBus> {
  const policyFile = writeTemporary('policy.yml', policy ?? policyText);
  const storeFile = path.join(path.dirname(policyFile), 'bus.sqlite');
  const grouped = new GroupedProgram(
    [
      ...['bus', '--listen', `${ownLoopback}:0`, '--policy', policyFile, '--store', storeFile],
      ...['--metrics', `${ownLoopback}:0`, ...flags],
    ],
    { limitMb },
  );
  const { program } = grouped;
  const [, port = ''] = await program.seen(/metrics are served port=(\d+)/);
  const [, address = ''] = await program.seen(/bus listens address=(\S+)/);
  return { program, address, grouped, metricsUrl: `http://${ownLoopback}:${port}`, storeFile };
}
