import { readFileSync } from 'node:fs';
import { Program, startBus, startSidecar } from '../sidecar/processes.ts';
import { BarePlugin } from './bare-plugin.ts';
import type { Benchmark, Pair } from './benchmark.ts';

const mebibyte = 1024;

/** Resident memory of the sidecar, idle and at its highest under load, beside the bare runtime's. */
export const memoryUse: Benchmark = {
  name: 'memory',
  async run({ pairs, messages }) {
    const bus = await startBus();
    const idle: Pair[] = [];
    const peak: Pair[] = [];
    for (let round = 0; round < pairs; round += 1) {
      const bare = new Program(['-e', "setInterval(() => {}, 1e6); console.log('up')"]);
      await bare.seen(/up/);
      const baseline = residentMiB(bare.pid, 'VmRSS');
      const { program, address } = await startSidecar(bus.address);
      idle.push({ measured: residentMiB(program.pid, 'VmRSS'), baseline });
      const plugin = await BarePlugin.connect(address);
      await plugin.publishUnary(messages, 64);
      await plugin.publishStreamed(messages, { batch: 64, inFlight: 512 });
      peak.push({ measured: residentMiB(program.pid, 'VmHWM'), baseline });
      plugin.close();
      for (const each of [program, bare]) each.signal('SIGKILL');
    }
    return [
      { what: 'sidecar idle, to bare runtime', unit: 'MiB', pairs: idle },
      { what: 'sidecar at its peak under load, to bare runtime', unit: 'MiB', pairs: peak },
    ];
  },
};

function residentMiB(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes) / mebibyte;
}
