import { type Benchmark, grpcJsEcho, inTurns, type Round } from '../benchmark.ts';
import { startEchoes } from '../echo/echoes.ts';
import { timeRequests } from '../generator/h2load.ts';
import { requestBodies } from '../generator/request-bodies.ts';
import { paths, SidecarLine } from '../programs/sidecar-line.ts';

const p50 = `${grpcJsEcho} p50`;
const p99 = `${grpcJsEcho} p99`;
const aim = { of: 'ratio', atMost: 1 } as const;

/** One call at a time: what a hop into the sidecar takes, and one further to the bus. */
export const alone: Benchmark = {
  needs: 'h2load',
  plans: [
    { row: 'publish alone, p50', unit: 'ms', beside: p50, aim },
    { row: 'publish alone, p99', unit: 'ms', beside: p50, aim },
    { row: 'publish alone, p99', unit: 'ms', beside: p99 },
    { row: 'heartbeat alone, p50', unit: 'ms', beside: p50 },
    { row: 'heartbeat alone, p99', unit: 'ms', beside: p99 },
  ],
  async run({ rounds, roundMs, calls }) {
    const line = await SidecarLine.start();
    const echoes = await startEchoes(roundMs);
    const publish = line.load(paths.publish, requestBodies.publish());
    const beat = line.load(paths.heartbeat, requestBodies.heartbeat());
    const measures = {
      grpcJs: () => echoes.grpcJs.alone(calls),
      http2: () => echoes.http2.alone(calls),
      publish: () => timeRequests(publish, calls),
      heartbeat: () => timeRequests(beat, calls),
    };
    // What has answered many calls is compiled.
    for (const warmUp of [echoes.grpcJs.rate, echoes.http2.rate, () => line.publishes().run(roundMs)]) await warmUp();
    for (const measure of Object.values(measures)) await measure();
    const results = await inTurns(rounds, measures);
    // Throws when a publish was not accepted.
    await line.accepted();
    const compare = (name: 'publish' | 'heartbeat', of: 'p50' | 'p99', to: 'p50' | 'p99'): Round[] =>
      results.map((result) => ({
        measured: result[name][of],
        baseline: result.grpcJs[to],
        http2: result.http2[to],
      }));
    return [
      compare('publish', 'p50', 'p50'),
      compare('publish', 'p99', 'p50'),
      compare('publish', 'p99', 'p99'),
      compare('heartbeat', 'p50', 'p50'),
      compare('heartbeat', 'p99', 'p99'),
    ];
  },
};
