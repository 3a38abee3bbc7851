import { type Benchmark, grpcJsEcho } from '../benchmark.ts';
import { MeasuredLoad } from '../generator/measured-load.ts';
import { requestBodies } from '../generator/request-bodies.ts';
import { paths, SidecarLine } from '../programs/sidecar-line.ts';
import { besideEchoes, cpuTimes, rates } from './beside-echoes.ts';

const beside = grpcJsEcho;

/** Publishes through sidecar and bus, one a call. */
export const unaryPublish: Benchmark = {
  needs: 'h2load',
  plans: [
    { row: 'publish', unit: '/s', beside, aim: { of: 'ratio', atLeast: 3.2 } },
    { row: 'publish, sidecar CPU', unit: 'µs', beside, aim: { of: 'ratio', atMost: 0.25 } },
    { row: 'publish, bus CPU', unit: 'µs', beside, aim: { of: 'ratio', atMost: 0.2 } },
    { row: 'publish, CPU', unit: 'µs', beside },
  ],
  async run(scale) {
    const line = await SidecarLine.start();
    const rounds = await besideEchoes(line.publishes(), scale);
    return [rates(rounds), cpuTimes(rounds, 0), cpuTimes(rounds, 1), cpuTimes(rounds, 'all')];
  },
};

/** Calls that the sidecar answers by itself. */
export const heartbeat: Benchmark = {
  needs: 'h2load',
  plans: [
    { row: 'heartbeat', unit: '/s', beside, aim: { of: 'ratio', atLeast: 8 } },
    { row: 'heartbeat, CPU', unit: 'µs', beside },
  ],
  async run(scale) {
    const line = await SidecarLine.start();
    // The answer is an empty message: nothing but gRPC's prefix.
    const load = new MeasuredLoad(line.load(paths.heartbeat, requestBodies.heartbeat()), {
      pids: [line.sidecar.program.pid],
      answerBytes: 5,
    });
    const rounds = await besideEchoes(load, scale);
    return [rates(rounds), cpuTimes(rounds, 0)];
  },
};
