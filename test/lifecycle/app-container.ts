import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { inject } from 'vitest';
import type { AppManifest } from '../../src/local/app-manifest.ts';
import { vcap } from '../engine/stack-image.ts';
import { docker, dockerArguments, variables } from './engine-client.ts';
import { platformInstanceEnvironment } from './platform-variables.ts';
import { type Watched, watch } from './watched-lines.ts';

export interface ContainerStart {
  /** An image of the stack with the droplet in it. */
  readonly image: string;
  readonly network: string;
  /** Its memory is the container's. */
  readonly manifest: AppManifest;
  readonly index?: number;
  /** Changes with each push. */
  readonly version?: string;
  /** In the form that Cloud Controller writes it, `2026-01-01 12:00:00 UTC`. */
  readonly startedAt?: string;
  /** Wins over what the platform gives. */
  readonly env?: Readonly<Record<string, string>>;
  /** Files of this machine to put into the app, by their names there. */
  readonly files?: Readonly<Record<string, string>>;
  /** Holds instance.crt and instance.key, which the platform replaces in place. */
  readonly credentialsDir?: string;
}

export interface LaunchedProcess {
  readonly name: string;
  /** Its exit code, 128 and the signal's number when a signal ended it. */
  readonly exited: Promise<number>;
}

/** The container of one instance, without anything running in it yet. Its processes share memory limit, user and network. */
export class AppContainer {
  /** Every line of every process, with its name before it. */
  readonly lines: string[] = [];
  readonly said: Watched = watch(this.lines);
  readonly id: string;
  readonly ip: string;
  readonly #start: ContainerStart;
  #removed: Promise<void> | undefined;

  private constructor(start: ContainerStart, id: string, ip: string) {
    this.#start = start;
    this.id = id;
    this.ip = ip;
  }

  static async make(start: ContainerStart): Promise<AppContainer> {
    const memory = `${start.manifest.memoryMb}m`;
    const credentials = start.credentialsDir ? [`${start.credentialsDir}:/etc/cf-instance-credentials:ro`] : [];
    const files = Object.entries(start.files ?? {}).map(([name, file]) => `${file}:/home/vcap/app/${name}:ro`);
    const volumes = [`${inject('lifecycle').toolsDir}:/tmp/lifecycle:ro`, ...credentials, ...files];
    // The first process of the container only waits, and reaps what is left behind, as the platform's does.
    const init = 'sleep infinity & wait; wait';
    const id = await docker(
      ...['run', '--detach', '--name', `app-${randomUUID()}`, '--network', start.network],
      ...['--memory', memory, '--memory-swap', memory, '--ulimit', 'nofile=16384', '--tmpfs', '/run/pids:mode=1777'],
      ...volumes.flatMap((volume) => ['--volume', volume]),
      ...[start.image, 'bash', '-c', init],
    );
    const ip = await docker('inspect', '--format', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', id);
    return new AppContainer(start, id, ip);
  }

  get manifest(): AppManifest {
    return this.#start.manifest;
  }

  /** Starts a command by the real launcher; the process type of a task is null. */
  launch(name: string, command: string, memoryMb: number, processType: string | null = 'web'): LaunchedProcess {
    const { manifest, index = 0, version, startedAt, env } = this.#start;
    const own = platformInstanceEnvironment({
      ...{ manifest, index, ip: this.ip, processType, memoryMb },
      ...(version === undefined ? {} : { version }),
      ...(startedAt === undefined ? {} : { startedAt }),
      ...(env === undefined ? {} : { env }),
    });
    const launcher = ['/tmp/lifecycle/launcher', 'app', command, ''];
    // Signals go to the process that the launcher becomes, as on the platform, so its id is written down first.
    const started = ['bash', '-c', 'echo "$$" >"/run/pids/$0" && exec "$@"', name, ...launcher];
    const options = ['--user', vcap.name, '--workdir', '/home/vcap', ...variables(own)];
    const child = spawn('docker', dockerArguments(['exec', ...options, this.id, ...started]), {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => this.said.push(`${name}: ${line}`));
    }
    return { name, exited: once(child, 'close').then(([code]) => (code as number | null) ?? 1) };
  }

  /** Sends a signal to processes by their names, at once; those that have ended do not mind, nor does a container that is removed. */
  async signal(names: readonly string[], signal: 'TERM' | 'KILL'): Promise<void> {
    const kill = 'for name; do kill -"$0" "$(<"/run/pids/$name")" 2>/dev/null; done; :';
    if (this.#removed !== undefined) return;
    await this.run(kill, signal, ...names).catch((error: Error) => {
      if (this.#removed === undefined && !/is not running/.test(error.message)) throw error;
    });
  }

  /** Runs a script of bash in the container to its end, beside the app and as its user; returns what it printed. */
  async run(script: string, ...args: readonly string[]): Promise<string> {
    return await docker('exec', '--user', vcap.name, this.id, 'bash', '-c', script, ...args);
  }

  /** Kills what still runs in it; whoever asks again waits for the same removal. */
  remove(): Promise<void> {
    this.#removed ??= docker('rm', '--force', '--volumes', this.id).then(() => {});
    return this.#removed;
  }
}
