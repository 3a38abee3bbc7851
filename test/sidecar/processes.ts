import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ownLoopback } from './own-loopback.ts';

const dist = path.resolve(import.meta.dirname, '../../dist');

/** What a test started, to be ended with `endAll` whether it passed or not. */
const started = new Set<Program>();
const directories = new Set<string>();

/** One of the bundled programs as a child process, with everything it has written so far. */
export class Program {
  /** Resolves with the exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals | null>;
  readonly #child: ChildProcess;
  readonly #onChange = new Set<() => void>();
  #stdout = '';
  #stderr = '';
  #isOver = false;

  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}, file = process.execPath) {
    this.#child = spawn(file, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#stdout += chunk.toString();
      this.#changed();
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
      this.#changed();
    });
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        this.#isOver = true;
        this.#changed();
        resolve(code ?? signal);
      });
    });
    started.add(this);
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the program could not be started');
    return pid;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get output(): string {
    return `${this.#stdout}${this.#stderr}`;
  }

  /** Waits until the output matches. @throws Error with the output when the program ends first. */
  async seen(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.output);
      if (match) return match;
      if (this.#isOver) throw new Error(`the program ended before ${pattern}:\n${this.output}`);
      await new Promise<void>((resolve) => this.#onChange.add(resolve));
    }
  }

  /** Goes away as a reader of what it writes. */
  closeOutput(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  /** Reads nothing of stdout until the returned function is called. */
  holdOutput(): () => void {
    this.#child.stdout?.pause();
    return () => this.#child.stdout?.resume();
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  #changed(): void {
    for (const resolve of this.#onChange) resolve();
    this.#onChange.clear();
  }
}

/** Kills what still runs and removes what was written. */
export async function endAll(): Promise<void> {
  for (const program of started) {
    program.signal('SIGKILL');
    await program.exited;
  }
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  started.clear();
  directories.clear();
}

/** Writes a file into a directory of its own and returns its path. */
export function writeTemporary(name: string, content: string | Uint8Array): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'meridian-test-'));
  directories.add(directory);
  const file = path.join(directory, name);
  writeFileSync(file, content);
  return file;
}

/** OMS plugins hear the data that DGM plugins publish, and ask them. */
export const policyText = `
deployment: test-deployment
rules:
  - principals: ['*']
    instances: ['oms-*']
    pools: [OMSPool]
    publish: [platform.oms.**, platform.ask.*]
    subscribe: [platform.oms.**, platform.data.*]
  - principals: ['*']
    instances: ['dgm-*']
    pools: [DGMPool]
    publish: [platform.data.*]
    subscribe: [platform.ask.*]
`;

export interface RunningProgram {
  readonly program: Program;
  readonly address: string;
}

export function runCli(...args: readonly string[]): Program {
  return runCliWith({}, ...args);
}

export function runCliWith(environment: Readonly<Record<string, string>>, ...args: readonly string[]): Program {
  return new Program([path.join(dist, 'cli.mjs'), ...args], environment);
}

/** Starts `meridian-sidecar bus` and waits until it listens. */
export async function startBus(
  listen = `${ownLoopback}:0`,
  store = 'memory',
  ...more: readonly string[]
): Promise<RunningProgram> {
  const policy = writeTemporary('policy.yml', policyText);
  const program = runCli('bus', '--listen', listen, '--policy', policy, '--store', store, ...more);
  const [, address = ''] = await program.seen(/bus listens address=(\S+)/);
  return { program, address };
}

/** Starts the sidecar of an OMS plugin on free ports, without waiting for anything. */
export function spawnSidecar(bus: string, environment: Readonly<Record<string, string>> = {}): Program {
  return new Program([path.join(dist, 'sidecar.mjs')], {
    INSTANCE_ID: 'oms-1',
    POOL_TYPE: 'OMSPool',
    SIDECAR_BUS_API_URL: bus,
    SIDECAR_ADDR: '127.0.0.1:0',
    SIDECAR_HEALTH_ADDR: '127.0.0.1:0',
    ...environment,
  });
}

export interface RunningSidecar extends RunningProgram {
  readonly healthUrl: string;
}

/** Starts the sidecar and waits for its last step; `address` is the plugin's. */
export async function startSidecar(
  bus: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<RunningSidecar> {
  const program = spawnSidecar(bus, environment);
  await program.seen(/startup 8\/8/);
  const [, port = ''] = await program.seen(/health server listens port=(\d+)/);
  const [, address = ''] = await program.seen(/plugin port listens address=(\S+)/);
  return { program, address, healthUrl: `http://127.0.0.1:${port}` };
}
