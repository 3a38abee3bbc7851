import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { wrapperScript } from '../../src/supply/wrapper-script.ts';
import { Program, type RunningSidecar, writeTemporary } from '../sidecar/processes.ts';
import { MemoryGroup } from './memory-group.ts';

const dist = path.resolve(import.meta.dirname, '../../dist');

export interface GroupedSidecar extends RunningSidecar {
  readonly group: MemoryGroup;
  /** The most memory so far that was its own, without the pages of files; looked at every few milliseconds. */
  ownPeakBytes(): number;
  /** Ends it and removes its group. */
  end(): Promise<void>;
}

/**
 * Starts a sidecar as a droplet does, by its wrapper and on the packaged runtime, with a MEMORY_LIMIT and alone in a control
 * group of that size.
 */
export async function startGroupedSidecar(
  bus: string,
  { limitMb, ...environment }: { readonly limitMb: number } & Readonly<Record<string, string | number>>,
): Promise<GroupedSidecar> {
  const group = new MemoryGroup(limitMb);
  // Copied inside of the group, so that the pages of the runtime's file count there, as they do in a container.
  const command =
    'echo $$ > "$PROCESSES_FILE" && cp "$RUNTIME" "$STAGED/meridian/node" && exec "$STAGED/bin/meridian-sidecar" run';
  const program = new Program(
    ['-c', command],
    {
      PATH: '/usr/bin:/bin',
      PROCESSES_FILE: group.processesFile,
      RUNTIME: path.join(dist, 'runtime/node'),
      STAGED: stage(),
      MEMORY_LIMIT: `${limitMb}M`,
      INSTANCE_ID: 'oms-1',
      POOL_TYPE: 'OMSPool',
      SIDECAR_BUS_API_URL: bus,
      SIDECAR_ADDR: '127.0.0.1:0',
      SIDECAR_HEALTH_ADDR: '127.0.0.1:0',
      ...environment,
    },
    '/bin/bash',
  );
  await program.seen(/startup 8\/8/);
  const [, port = ''] = await program.seen(/health server listens port=(\d+)/);
  const [, address = ''] = await program.seen(/plugin port listens address=(\S+)/);
  let peakBytes = 0;
  const looking = setInterval(() => {
    peakBytes = Math.max(peakBytes, ownBytes(program.pid));
  }, 5);
  return {
    program,
    address,
    healthUrl: `http://127.0.0.1:${port}`,
    group,
    ownPeakBytes: () => peakBytes,
    async end() {
      clearInterval(looking);
      program.signal('SIGKILL');
      await program.exited;
      group.remove();
    },
  };
}

/** The wrapper in the layout that it finds its runtime by, which is still to come. */
function stage(): string {
  const home = path.dirname(writeTemporary('README', 'A staged sidecar'));
  for (const directory of ['bin', 'meridian']) mkdirSync(path.join(home, directory));
  writeFileSync(path.join(home, 'bin/meridian-sidecar'), wrapperScript, { mode: 0o755 });
  symlinkSync(path.join(dist, 'sidecar.mjs'), path.join(home, 'meridian/sidecar.mjs'));
  return home;
}

/** 0 once the process is gone. */
function ownBytes(pid: number): number {
  try {
    const [, kibibytes = ''] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kibibytes) * 1024;
  } catch {
    return 0;
  }
}
