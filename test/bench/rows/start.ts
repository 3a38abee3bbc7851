import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { runtimeFlags } from '../../../src/buildpack/runtime-flags.ts';
import { Program } from '../../sidecar/processes.ts';
import { type Benchmark, inTurns } from '../benchmark.ts';
import { startShippedBus } from '../programs/shipped.ts';

const dist = path.resolve(import.meta.dirname, '../../../dist');
const runtime = path.join(dist, 'runtime/node');
const beside = 'bare runtime';

/** From starting the sidecar's process until its plugin's port listens, and until its health server says healthy, which takes the bus. */
export const start: Benchmark = {
  plans: [
    { row: 'start until healthy', unit: 'ms', beside, aim: { of: 'ratio', atMost: 2 } },
    { row: 'start until listening', unit: 'ms', beside },
  ],
  async run({ rounds }) {
    const { address } = await startShippedBus();
    const measures = { sidecar: () => startSidecar(address), bare: startBare };
    // A first start reads files from the disk.
    for (const measure of Object.values(measures)) await measure();
    const results = await inTurns(rounds * 2, measures);
    return (['healthyMs', 'listeningMs'] as const).map((field) =>
      results.map(({ sidecar, bare }) => ({ measured: sidecar[field], baseline: bare[field] })),
    );
  },
};

interface StartTimes {
  readonly listeningMs: number;
  readonly healthyMs: number;
}

async function startSidecar(bus: string): Promise<StartTimes> {
  const startedMs = performance.now();
  const program = new Program(
    [...runtimeFlags, path.join(dist, 'sidecar.mjs')],
    {
      INSTANCE_ID: 'oms-1',
      POOL_TYPE: 'OMSPool',
      SIDECAR_BUS_API_URL: bus,
      SIDECAR_ADDR: '127.0.0.1:0',
      SIDECAR_HEALTH_ADDR: '127.0.0.1:0',
    },
    runtime,
  );
  await program.seen(/plugin port listens address=(\S+)/);
  const listeningMs = performance.now() - startedMs;
  const [, port = ''] = await program.seen(/health server listens port=(\d+)/);
  await program.seen(/startup 8\/8/);
  const { status } = await fetch(`http://127.0.0.1:${port}/healthz`);
  const healthyMs = performance.now() - startedMs;
  if (status !== 200) throw new Error(`/healthz answered ${status} after the last step`);
  program.signal('SIGTERM');
  await program.exited;
  return { listeningMs, healthyMs };
}

async function startBare(): Promise<StartTimes> {
  const startedMs = performance.now();
  await once(spawn(runtime, ['-e', '0'], { env: {}, stdio: 'ignore' }), 'exit');
  const tookMs = performance.now() - startedMs;
  return { listeningMs: tookMs, healthyMs: tookMs };
}
