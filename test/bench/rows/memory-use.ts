import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from '../../sidecar/processes.ts';
import { authority, CertificateFiles, certificateEnvironment, startSecuredBus } from '../../sidecar/secured-bus.ts';
import type { Benchmark, Round } from '../benchmark.ts';
import { residentMb } from '../programs/resident-memory.ts';
import { startBareRuntime, startShippedBus, startShippedSidecar } from '../programs/shipped.ts';
import { SidecarLine } from '../programs/sidecar-line.ts';

const beside = 'bare runtime';
/** What start-up left behind is not freed at once. */
const idleMs = 1_000;
/** Peaks differ little from round to round, and each takes processes of its own. */
const peakRoundsMax = 3;

/** Resident memory of a sidecar that has nothing to do. */
export const idleMemory: Benchmark = {
  plans: [
    { row: 'idle sidecar', unit: 'MB', beside, aim: { of: 'difference', atMost: 15 } },
    { row: 'idle sidecar, TLS to the bus', unit: 'MB', beside, aim: { of: 'difference', atMost: 21 } },
    { row: 'idle bus', unit: 'MB', beside },
  ],
  async run({ rounds }) {
    const plain: Round[] = [];
    const secured: Round[] = [];
    const buses: Round[] = [];
    const securedBus = await startSecuredBus();
    const certificate = certificateEnvironment(new CertificateFiles(authority.issue('plugin-a')));
    for (let round = 0; round < rounds; round += 1) {
      const bus = await startShippedBus();
      const idle = [
        await startBareRuntime(),
        (await startShippedSidecar(bus.address)).program,
        (await startShippedSidecar(securedBus.address, certificate)).program,
        bus.program,
      ];
      await sleep(idleMs);
      const [baseline = Number.NaN, ...measured] = idle.map(({ pid }) => residentMb(pid, 'VmRSS'));
      for (const [index, all] of [plain, secured, buses].entries()) {
        all.push({ measured: measured[index] ?? Number.NaN, baseline });
      }
      await end(...idle);
    }
    return [plain, secured, buses];
  },
};

/** The most resident memory of sidecar and bus while messages go both ways, as fast as they can. */
export const peakMemory: Benchmark = {
  needs: 'h2load',
  plans: [
    { row: 'loaded sidecar, peak', unit: 'MB', beside, aim: { of: 'figure', atMost: 75 } },
    { row: 'loaded bus, peak', unit: 'MB', beside, aim: { of: 'figure', atMost: 110 } },
  ],
  async run({ rounds, roundMs }) {
    const sidecars: Round[] = [];
    const buses: Round[] = [];
    for (let round = 0; round < Math.min(rounds, peakRoundsMax); round += 1) {
      const bare = await startBareRuntime();
      const baseline = residentMb(bare.pid, 'VmRSS');
      const line = await SidecarLine.start();
      await line.publishes().run(roundMs);
      const subscriber = await line.plugin.subscribe('bench');
      await line.streamedPublishes(64, (count) => subscriber.take(count)).run(roundMs);
      const { sidecar, bus } = line;
      sidecars.push({ measured: residentMb(sidecar.program.pid, 'VmHWM'), baseline });
      buses.push({ measured: residentMb(bus.program.pid, 'VmHWM'), baseline });
      line.plugin.close();
      await end(bare, sidecar.program, bus.program);
    }
    return [sidecars, buses];
  },
};

async function end(...programs: readonly Program[]): Promise<void> {
  for (const program of programs) {
    program.signal('SIGKILL');
    await program.exited;
  }
}
