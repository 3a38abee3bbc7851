import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runtimeFlags } from '../../../src/buildpack/runtime-flags.ts';
import { wrapperScript } from '../../../src/supply/wrapper-script.ts';
import { ownLoopback } from '../../sidecar/own-loopback.ts';
import {
  Program,
  policyText,
  type RunningProgram,
  type RunningSidecar,
  writeTemporary,
} from '../../sidecar/processes.ts';

const dist = path.resolve(import.meta.dirname, '../../../dist');

/** Defaults of SIDECAR_MEMORY and of what the documentation gives a bus. */
const memoryLimits = { sidecar: '128M', bus: '256M' } as const;

/** The quotas of one instance would be what is measured. */
const quotas = 'quotas: { publishes_per_second: 10000000, bytes_per_second: 10000000000 }';

/** Starts a bus as a droplet starts it: by the wrapper, on the packaged runtime. */
export async function startShippedBus(store = 'memory', ...more: readonly string[]): Promise<RunningProgram> {
  const policy = writeTemporary('policy.yml', policyText.replaceAll('    publish:', `    ${quotas}\n    publish:`));
  const args = ['bus', '--listen', `${ownLoopback}:0`, '--policy', policy, '--store', store, ...more];
  const program = new Program(args, { PATH: '/usr/bin:/bin', MEMORY_LIMIT: memoryLimits.bus }, stagedWrapper());
  const [, address = ''] = await program.seen(/bus listens address=(\S+)/);
  return { program, address };
}

/** Starts a sidecar as a droplet starts it, of an OMS plugin unless told otherwise, and waits for its last step. */
export async function startShippedSidecar(
  bus: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<RunningSidecar> {
  const program = new Program(
    ['run'],
    {
      PATH: '/usr/bin:/bin',
      MEMORY_LIMIT: memoryLimits.sidecar,
      INSTANCE_ID: 'oms-1',
      POOL_TYPE: 'OMSPool',
      SIDECAR_BUS_API_URL: bus,
      SIDECAR_ADDR: '127.0.0.1:0',
      SIDECAR_HEALTH_ADDR: '127.0.0.1:0',
      ...environment,
    },
    stagedWrapper(),
  );
  await program.seen(/startup 8\/8/);
  const [, port = ''] = await program.seen(/health server listens port=(\d+)/);
  const [, address = ''] = await program.seen(/plugin port listens address=(\S+)/);
  return { program, address, healthUrl: `http://127.0.0.1:${port}` };
}

/** A process of the packaged runtime that only waits. */
export async function startBareRuntime(): Promise<Program> {
  const script = "setInterval(() => {}, 1e6); console.log('up')";
  const program = new Program([...runtimeFlags, '-e', script], {}, path.join(dist, 'runtime/node'));
  await program.seen(/up/);
  return program;
}

/** A place for a store in a directory of its own. */
export function newStoreFile(): string {
  return path.join(path.dirname(writeTemporary('store', '')), 'bus.sqlite');
}

/** The wrapper, in the layout that it finds runtime and bundles by. */
function stagedWrapper(): string {
  const home = path.dirname(writeTemporary('README', 'A staged sidecar'));
  for (const directory of ['bin', 'meridian']) mkdirSync(path.join(home, directory));
  const wrapper = path.join(home, 'bin/meridian-sidecar');
  writeFileSync(wrapper, wrapperScript, { mode: 0o755 });
  for (const file of ['sidecar.mjs', 'cli.mjs']) symlinkSync(path.join(dist, file), path.join(home, 'meridian', file));
  symlinkSync(path.join(dist, 'runtime/node'), path.join(home, 'meridian/node'));
  return wrapper;
}
