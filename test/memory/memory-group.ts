import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = '/sys/fs/cgroup';
/** Version 2 has one tree for all controllers. */
const isUnified = existsSync(path.join(root, 'cgroup.controllers'));
const files = isUnified
  ? { limit: 'memory.max', swap: 'memory.swap.max', events: 'memory.events' }
  : {
      limit: 'memory.limit_in_bytes',
      swap: 'memory.memsw.limit_in_bytes',
      events: 'memory.oom_control',
    };

let made = 0;

/** A control group of its own whose processes the kernel kills when together they need more memory than the limit. */
export class MemoryGroup {
  readonly limitBytes: number;
  readonly #directory: string;

  /** @throws Error when this user may not make control groups. */
  constructor(limitMb: number) {
    made += 1;
    this.limitBytes = limitMb * 1024 * 1024;
    this.#directory = path.join(root, isUnified ? '' : 'memory', `meridian-test-${process.pid}-${made}`);
    mkdirSync(this.#directory);
    this.#write(files.limit, `${this.limitBytes}`);
    // Without this the kernel would swap where there is swap, and kill nothing.
    if (existsSync(path.join(this.#directory, files.swap))) {
      this.#write(files.swap, isUnified ? '0' : `${this.limitBytes}`);
    }
  }

  /** The file that a process writes its id to when it joins. */
  get processesFile(): string {
    return path.join(this.#directory, 'cgroup.procs');
  }

  /** How many processes the kernel killed for want of memory. */
  get kills(): number {
    return Number(/^oom_kill (\d+)$/m.exec(this.#read(files.events))?.[1] ?? 0);
  }

  /** Once its processes have ended. */
  remove(): void {
    rmdirSync(this.#directory);
  }

  #read(file: string): string {
    return readFileSync(path.join(this.#directory, file), 'utf8');
  }

  #write(file: string, text: string): void {
    writeFileSync(path.join(this.#directory, file), text);
  }
}
