import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DockerOutcome } from '../../src/compose/engine/docker.ts';
import { FakeEngine } from './fake-engine.ts';

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
}

/** The provider's program as Compose starts it, before a `docker` command that reaches the engine of the test. */
export class ProviderProcess {
  readonly engine = new FakeEngine();
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'meridian-compose-'));
  readonly #server: Server;
  readonly #program: string;
  /** Kills the provider with SIGKILL at the call of this number: before the engine has done it, or after. */
  killAt: { readonly call: number; readonly when: 'before' | 'after' } | undefined;
  #calls = 0;
  #running: ChildProcess | undefined;
  readonly #connections = new Set<Socket>();

  /** `program`: the entry of `dist/` that a launcher starts. */
  constructor(program = 'dist/compose.mjs') {
    this.#program = path.resolve(program);
    this.engine.images.set('meridian-sidecar:0.1.0', 'sha256:1');
    this.#server = createServer((connection) => this.#serve(connection)).listen(0, '127.0.0.1');
    mkdirSync(this.bin);
    symlinkSync(path.join(import.meta.dirname, 'fake-docker'), path.join(this.bin, 'docker'));
  }

  /** The folder with the `docker` command. */
  get bin(): string {
    return path.join(this.#folder, 'bin');
  }

  /** The calls of `docker` that the last run made. */
  get calls(): number {
    return this.#calls;
  }

  get logFile(): string {
    return path.join(this.#folder, 'state/meridian-sidecar/compose/logs/shop/sidecar.log');
  }

  /** `compose WORDS…`. Whoever reads stdout may give up after so many bytes. */
  async run(words: readonly string[], environment: Record<string, string> = {}, readMax = Infinity): Promise<Ended> {
    this.#calls = 0;
    if (!this.#server.listening) await once(this.#server, 'listening');
    const child = spawn(process.execPath, [this.#program, 'compose', ...words], {
      env: {
        PATH: `${this.bin}:/usr/bin:/bin`,
        XDG_STATE_HOME: path.join(this.#folder, 'state'),
        FAKE_DOCKER_PORT: String((this.#server.address() as AddressInfo).port),
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#running = child;
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (stdout.length > readMax) child.stdout.destroy();
    });
    const [exitCode] = (await once(child, 'close')) as [number | null];
    return { exitCode, stdout };
  }

  up(...options: readonly string[]): Promise<Ended> {
    return this.run(['--project-name=shop', 'up', '--pool-type=OMSPool', ...options, 'sidecar']);
  }

  down(): Promise<Ended> {
    return this.run(['--project-name=shop', 'down', 'sidecar']);
  }

  async close(): Promise<void> {
    this.#server.close();
    // A `docker wait` outlives the provider that was killed.
    for (const connection of this.#connections) connection.destroy();
    await once(this.#server, 'close');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #serve(connection: Socket): void {
    this.#connections.add(connection);
    const gone = new AbortController();
    connection.on('error', () => {});
    connection.on('close', () => {
      this.#connections.delete(connection);
      gone.abort();
    });
    let text = '';
    connection.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      const [count = '', ...args] = text.split('\0').slice(0, -1);
      if (count === '' || args.length < Number(count)) return;
      void this.#answer(args, gone.signal).then(({ exitCode, stdout, stderr }) => {
        connection.end(`${exitCode}\n${stderr.trim().replaceAll('\n', ' ')}\n${stdout}`);
      });
    });
  }

  async #answer(args: readonly string[], signal: AbortSignal): Promise<DockerOutcome> {
    this.#calls += 1;
    const isLast = this.killAt?.call === this.#calls;
    if (isLast && this.killAt?.when === 'before') {
      this.#running?.kill('SIGKILL');
      return { exitCode: 137, stdout: '', stderr: '' };
    }
    const outcome = await this.engine.call(args, signal);
    if (isLast) this.#running?.kill('SIGKILL');
    return outcome;
  }
}
