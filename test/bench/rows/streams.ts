import { type Benchmark, grpcJsEcho } from '../benchmark.ts';
import { SidecarLine } from '../programs/sidecar-line.ts';
import { besideEchoes, cpuTimes, rates } from './beside-echoes.ts';

const beside = grpcJsEcho;

/** Publishes on streams, with one message in a batch, and with 64. */
export const streamedPublish = publishesOnStreams('streamed publish', 1);
export const batchedPublish = publishesOnStreams('batched publish', 64);

function publishesOnStreams(row: string, batch: number): Benchmark {
  return {
    needs: 'h2load',
    plans: [
      { row, unit: '/s', beside },
      { row: `${row}, CPU`, unit: 'µs', beside },
    ],
    async run(scale) {
      const line = await SidecarLine.start();
      const rounds = await besideEchoes(line.streamedPublishes(batch), scale);
      return [rates(rounds), cpuTimes(rounds, 'all')];
    },
  };
}

/**
 * From publisher to subscriber, published in batches by h2load. The subscriber that acknowledges each message is this Node
 * process, on the sidecar's own transport.
 */
export const delivery: Benchmark = {
  needs: 'h2load',
  plans: [{ row: 'delivery (Node takes)', unit: '/s', beside }],
  async run(scale) {
    const line = await SidecarLine.start();
    const subscriber = await (await line.another('oms-2')).subscribe('bench');
    const load = line.streamedPublishes(64, (count) => subscriber.take(count));
    return [rates(await besideEchoes(load, scale))];
  },
};
