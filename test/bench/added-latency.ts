import { fileURLToPath } from 'node:url';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import { Program, startBus, startSidecar } from '../sidecar/processes.ts';
import { BarePlugin } from './bare-plugin.ts';
import { type Benchmark, type Comparison, percentile } from './benchmark.ts';
import { echoMethod } from './echo-method.ts';

const echoServer = fileURLToPath(new URL('./echo-server.ts', import.meta.url));
const percents = [50, 90, 99];

/** One call at a time: what a hop into the sidecar, and one further to the bus, take beside a bare echo over gRPC. */
export const addedLatency: Benchmark = {
  name: 'latency',
  async run({ pairs, calls }) {
    const bus = await startBus();
    const sidecar = await startSidecar(bus.address);
    const plugin = await BarePlugin.connect(sidecar.address);
    const server = new Program([echoServer]);
    const [, address = ''] = await server.seen(/listens (\S+)/);
    const connection = await grpcNetwork.connect(address, { timeoutMs: 5_000, maxMessageBytes: 4 * 1024 * 1024 });
    const message = Buffer.alloc(256, 'x');
    const echo = async (): Promise<void> => void (await connection.unary(echoMethod, message));
    const heartbeat = (): Promise<void> => plugin.heartbeat();
    const publish = (): Promise<void> => plugin.publish();
    for (const call of [echo, heartbeat, publish]) await latencies(calls, call);
    const rounds: Record<'echo' | 'heartbeat' | 'publish', number[]>[] = [];
    for (let round = 0; round < pairs; round += 1) {
      rounds.push({
        echo: await latencies(calls, echo),
        heartbeat: await latencies(calls, heartbeat),
        publish: await latencies(calls, publish),
      });
    }
    const compare = (name: 'heartbeat' | 'publish', percent: number): Comparison => ({
      what: `p${percent} of ${names[name]}, to a bare echo`,
      unit: 'ms',
      pairs: rounds.map((round) => ({
        measured: percentile(round[name], percent),
        baseline: percentile(round.echo, percent),
      })),
    });
    return percents.flatMap((percent) => [compare('heartbeat', percent), compare('publish', percent)]);
  },
};

const names = { heartbeat: 'a call to the sidecar', publish: 'a publish, sidecar and bus' } as const;

async function latencies(count: number, call: () => Promise<void>): Promise<number[]> {
  const all: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const startedMs = performance.now();
    await call();
    all.push(performance.now() - startedMs);
  }
  return all;
}
