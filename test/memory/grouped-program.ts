import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { wrapperScript } from '../../src/supply/wrapper-script.ts';
import { Program, writeTemporary } from '../sidecar/processes.ts';
import { MemoryGroup } from './memory-group.ts';

const dist = path.resolve(import.meta.dirname, '../../dist');

/** A command of the wrapper, on the packaged runtime, with a MEMORY_LIMIT and alone in a control group of that size. */
export class GroupedProgram {
  readonly program: Program;
  readonly group: MemoryGroup;
  readonly #sampling: NodeJS.Timeout;
  #ownPeakBytes = 0;
  #residentPeakBytes = 0;

  constructor(
    args: readonly string[],
    { limitMb, ...environment }: { readonly limitMb: number } & Readonly<Record<string, string | number>>,
  ) {
    this.group = new MemoryGroup(limitMb);
    // Copied inside of the group, so that the pages of the runtime's file count there, as they do in a container.
    const command =
      'echo $$ > "$PROCESSES_FILE" && cp "$RUNTIME" "$STAGED/meridian/node" && exec "$STAGED/bin/meridian-sidecar" "$@"';
    this.program = new Program(
      ['-c', command, 'meridian-sidecar', ...args],
      {
        PATH: '/usr/bin:/bin',
        PROCESSES_FILE: this.group.processesFile,
        RUNTIME: path.join(dist, 'runtime/node'),
        STAGED: stage(),
        MEMORY_LIMIT: `${limitMb}M`,
        ...environment,
      },
      '/bin/bash',
    );
    this.#sampling = setInterval(() => this.#sample(), 5);
  }

  /** The most memory so far that was its own, without the pages of files; sampled every few milliseconds. */
  get ownPeakBytes(): number {
    return this.#ownPeakBytes;
  }

  /** The most memory so far that was resident, with the pages of files, as the kernel recorded it. */
  get residentPeakBytes(): number {
    return this.#residentPeakBytes;
  }

  /** Ends it and removes its group. */
  async end(): Promise<void> {
    clearInterval(this.#sampling);
    this.program.signal('SIGKILL');
    await this.program.exited;
    this.group.remove();
  }

  /** Leaves the peaks as they are once the process is gone. */
  #sample(): void {
    const status = statusOf(this.program.pid);
    this.#ownPeakBytes = Math.max(this.#ownPeakBytes, bytesOf(status, 'RssAnon'));
    this.#residentPeakBytes = Math.max(this.#residentPeakBytes, bytesOf(status, 'VmHWM'));
  }
}

/** The wrapper in the layout that it finds its runtime by, which is still to come. */
function stage(): string {
  const home = path.dirname(writeTemporary('README', 'A staged sidecar'));
  for (const directory of ['bin', 'meridian']) mkdirSync(path.join(home, directory));
  writeFileSync(path.join(home, 'bin/meridian-sidecar'), wrapperScript, { mode: 0o755 });
  for (const bundle of ['sidecar.mjs', 'cli.mjs']) {
    symlinkSync(path.join(dist, bundle), path.join(home, 'meridian', bundle));
  }
  return home;
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

function bytesOf(status: string, field: string): number {
  const [, kibibytes = '0'] = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status) ?? [];
  return Number(kibibytes) * 1024;
}
