import { type Benchmark, grpcJsEcho } from '../benchmark.ts';
import { MeasuredLoad } from '../generator/measured-load.ts';
import { requestBodies, topics } from '../generator/request-bodies.ts';
import { paths, SidecarLine } from '../programs/sidecar-line.ts';
import { besideEchoes, rates } from './beside-echoes.ts';

/**
 * Calls from one plugin to another, through both sidecars and the bus and back, made by h2load. The plugin that answers is
 * this Node process, on the sidecar's own transport.
 */
export const request: Benchmark = {
  needs: 'h2load',
  plans: [{ row: 'request (Node answers)', unit: '/s', beside: grpcJsEcho }],
  async run(scale) {
    const line = await SidecarLine.start();
    await (await line.another('dgm-1', 'DGMPool')).answer(topics.call);
    const load = new MeasuredLoad(line.load(paths.call, requestBodies.call()), {
      pids: line.pids,
      done: () => line.answered(),
    });
    return [rates(await besideEchoes(load, scale))];
  },
};
