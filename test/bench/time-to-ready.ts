import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startBus, startSidecar } from '../sidecar/processes.ts';
import { type Benchmark, inPairs } from './benchmark.ts';

/** From starting the sidecar's process until its health server says healthy, which takes the bus. */
export const timeToReady: Benchmark = {
  name: 'start',
  async run({ pairs }) {
    const bus = await startBus();
    const ready = async (): Promise<number> => {
      const startedMs = performance.now();
      const { program, healthUrl } = await startSidecar(bus.address);
      const { status } = await fetch(`${healthUrl}/healthz`);
      const tookMs = performance.now() - startedMs;
      if (status !== 200) throw new Error(`/healthz answered ${status} after the last step`);
      program.signal('SIGTERM');
      await program.exited;
      return tookMs;
    };
    const unit = 'ms';
    return [
      { what: 'sidecar until healthy, to bare runtime', unit, pairs: await inPairs(pairs * 2, ready, bareRuntime) },
    ];
  },
};

async function bareRuntime(): Promise<number> {
  const startedMs = performance.now();
  await once(spawn(process.execPath, ['-e', '0'], { env: {}, stdio: 'ignore' }), 'exit');
  return performance.now() - startedMs;
}
