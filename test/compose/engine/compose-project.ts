import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { buildDir } from './build-dir.ts';
import { composes } from './compose-programs.ts';
import { engineHost } from './engine-host.ts';
import { nodeBase } from './images.ts';
import { type Outcome, runCommand } from './run-command.ts';

export interface Container {
  readonly id: string;
  readonly finishedAt: string;
  readonly status: string;
  readonly exitCode: number;
  /** Of its first process, as this machine counts. */
  readonly pid: number;
}

export interface ComposeProject {
  readonly name: string;
  /** `docker compose ARGS` in this project. */
  readonly compose: (...args: string[]) => Promise<Outcome>;
  /** As `compose`, with further variables. */
  readonly composeWith: (environment: Readonly<Record<string, string>>, ...args: string[]) => Promise<Outcome>;
  /** As `compose`, but must end with 0; returns what it printed. */
  readonly composed: (...args: string[]) => Promise<string>;
  /** `docker compose -p NAME ARGS`, with no file in sight; must end with 0. */
  readonly withoutFile: (...args: string[]) => Promise<string>;
  /** `meridian-sidecar compose ARGS`; must end with 0. */
  readonly provider: (...args: string[]) => Promise<string>;
  /** The names of all its containers, also of those that the provider made. */
  readonly containers: () => Promise<string[]>;
  /** The container of that name, or nothing. */
  readonly container: (name: string) => Promise<Container | undefined>;
  /** Kills a container's first process from outside. After `docker kill` the engine would leave the container alone. */
  readonly kill: (name: string) => Promise<void>;
  /** Waits for a line of a container's log. */
  readonly logged: (name: string, pattern: RegExp) => Promise<RegExpExecArray>;
}

export interface ProjectOptions {
  /** Which Docker Compose: the configuration folder that holds it. */
  readonly configDir: string;
  readonly name: string;
  readonly files: readonly string[];
  /** What relative paths in the files are relative to; absent, the folder of the first. */
  readonly directory?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A project on the private engine; it is taken down when the test ends, however it ends. */
export function composeProject(options: ProjectOptions): ComposeProject {
  const { name, configDir } = options;
  const directoryFlags = options.directory === undefined ? [] : ['--project-directory', options.directory];
  const flags = ['--project-name', name, ...directoryFlags, ...options.files.flatMap((file) => ['--file', file])];
  const environment = environmentOf(configDir, options.environment);
  const composeWith: ComposeProject['composeWith'] = (more, ...args) =>
    runCommand(['docker', 'compose', ...flags, ...args], { ...environment, ...more });
  const compose = (...args: string[]): Promise<Outcome> => composeWith({}, ...args);
  onTestFinished(async () => {
    await compose('down', '--volumes', '--timeout', '1');
    await removeAll(name);
  });
  return {
    name,
    compose,
    composeWith,
    composed: async (...args) => stdoutOf(await compose(...args), args),
    withoutFile: async (...args) =>
      stdoutOf(await runCommand(['docker', 'compose', '--project-name', name, ...args], environment, '/'), args),
    provider: async (...args) =>
      stdoutOf(await runCommand(['meridian-sidecar', 'compose', ...args], environment), args),
    containers: () => containersOf(name),
    container: inspect,
    async kill(container) {
      const { pid = 0 } = (await inspect(container)) ?? {};
      if (pid === 0) throw new Error(`${container} does not run`);
      process.kill(pid, 'SIGKILL');
    },
    logged,
  };
}

/** `docker ARGS` on the private engine. */
export function docker(...args: string[]): Promise<Outcome> {
  return runCommand(['docker', ...args], dockerEnvironment);
}

/** Nothing of this test's own environment but what programs are found by: Compose passes all of it on to a provider. */
function environmentOf(configDir: string, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    PATH: `${path.join(buildDir, 'bin')}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: buildDir,
    DOCKER_CONFIG: configDir,
    DOCKER_HOST: engineHost,
    NODE_BASE: nodeBase,
    ...more,
  };
}

const dockerEnvironment = environmentOf(composes[0].configDir);

function stdoutOf({ exitCode, stdout, stderr }: Outcome, args: readonly string[]): string {
  if (exitCode === 0) return stdout;
  throw new Error(`${args.join(' ')} ended with ${exitCode}:\n${stdout}${stderr}`);
}

/** A log that is followed ends with its container; one that has started again since is followed again. */
export async function logged(name: string, pattern: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const child = spawn('docker', ['logs', '--follow', name], {
      env: dockerEnvironment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const texts = { stdout: '', stderr: '' };
    let match: RegExpExecArray | undefined;
    for (const output of ['stdout', 'stderr'] as const)
      child[output].setEncoding('utf8').on('data', (text: string) => {
        texts[output] += text;
        match ??= pattern.exec(texts[output]) ?? undefined;
        if (match) child.kill();
      });
    await once(child, 'close');
    if (match) return match;
    const container = await inspect(name);
    if (container?.status === 'running' || container?.status === 'restarting') continue;
    throw new Error(`${name} is ${container?.status ?? 'gone'} without ${pattern}:\n${texts.stdout}${texts.stderr}`);
  }
}

async function inspect(name: string): Promise<Container | undefined> {
  const { exitCode, stdout } = await docker('inspect', '--type', 'container', name);
  if (exitCode !== 0) return undefined;
  const [{ Id, State }] = JSON.parse(stdout) as [
    { Id: string; State: { FinishedAt: string; Status: string; ExitCode: number; Pid: number } },
  ];
  return { id: Id, finishedAt: State.FinishedAt, status: State.Status, exitCode: State.ExitCode, pid: State.Pid };
}

async function containersOf(project: string): Promise<string[]> {
  const filter = `label=com.docker.compose.project=${project}`;
  const { stdout } = await docker('ps', '--all', '--filter', filter, '--format', '{{.Names}}');
  return stdout.split('\n').filter(Boolean).sort();
}

/** What Compose left behind, as it does when a provider or a test failed. */
async function removeAll(project: string): Promise<void> {
  const names = await containersOf(project);
  if (names.length > 0) await docker('rm', '--force', '--volumes', ...names);
  await docker('network', 'prune', '--force', '--filter', `label=com.docker.compose.project=${project}`);
}
