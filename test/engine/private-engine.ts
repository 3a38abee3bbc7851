import { type ExecFileSyncOptions, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A Docker Engine that only these tests use, with its own socket and data. */
export interface PrivateEngine {
  /** What DOCKER_HOST must be. */
  readonly host: string;
  /** Ends the engine in good order and starts it again on what it has, as when its machine restarts. */
  readonly restart: () => Promise<void>;
  /** Ends the engine with every container, and removes its data. */
  readonly stop: () => Promise<void>;
}

const startTimeoutMs = 60_000;

/**
 * Starts an engine with everything of it under `dir`, which is removed first; installs Debian's docker.io when there is none.
 * It lives in a network of its own, so it neither changes that of the machine nor minds the firewall of another engine there:
 * its containers reach one another, and nothing else.
 * @throws Error with the last lines of its log.
 */
export async function startEngine(dir: string): Promise<PrivateEngine> {
  if (process.getuid?.() !== 0) throw new Error('a Docker Engine of our own needs root');
  installEngine();
  await endLeftOver(dir);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const host = `unix://${path.join(dir, 'socket')}`;
  let engine = await launch(dir, host);
  return {
    host,
    async restart() {
      await engine.end();
      engine = await launch(dir, host);
    },
    async stop() {
      const containers = (await run('docker', ['--host', host, 'ps', '--all', '--quiet'])).stdout
        .split('\n')
        .filter(Boolean);
      if (containers.length > 0) await run('docker', ['--host', host, 'rm', '--force', ...containers]);
      await run('docker', ['--host', host, 'network', 'prune', '--force']);
      await engine.end();
      unmount(dir);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Starts an engine on what is in `dir`, and waits until it answers. */
async function launch(dir: string, host: string): Promise<{ readonly end: () => Promise<void> }> {
  const at = (name: string): string => path.join(dir, name);
  const log = openSync(at('log'), 'a');
  const flags = ['--bridge=none', '--iptables=false', '--ip6tables=false', '--storage-driver=overlay2'];
  const places = ['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid')];
  const command = ['--net', 'dockerd', '--host', host, ...flags, ...places];
  const engine = spawn('unshare', command, { stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  const ended = once(engine, 'exit').then(([code]) => code as number | null);
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  const deadline = Date.now() + startTimeoutMs;
  while (!(await answers(host))) {
    if (isOver || Date.now() > deadline) {
      engine.kill('SIGKILL');
      throw new Error(
        `the Docker Engine did not start:\n${readFileSync(at('log'), 'utf8').split('\n').slice(-8).join('\n')}`,
      );
    }
  }
  return {
    async end() {
      engine.kill('SIGTERM');
      await ended;
    },
  };
}

/** Ends the engine of a run that was cut short. A pid outlives its process in the file, and may by then be anybody's. */
async function endLeftOver(dir: string): Promise<void> {
  const pidFile = path.join(dir, 'pid');
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8'));
  const commandFile = `/proc/${pid}/cmdline`;
  const isThere = (): boolean => existsSync(commandFile) && readFileSync(commandFile, 'utf8').includes(dir);
  if (isThere()) process.kill(pid, 'SIGTERM');
  while (isThere()) await sleep(100);
  unmount(dir);
}

/** The engine leaves its network mounted when a container shared it. */
function unmount(dir: string): void {
  const places = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((place) => place.startsWith(`${dir}/`));
  for (const place of places.toReversed()) execFileSync('umount', [place]);
}

async function answers(host: string): Promise<boolean> {
  return await run('docker', ['--host', host, 'version']).then(
    () => true,
    // A refused connection answers at once; the next try must not take the processor from the engine.
    () => sleep(100, false),
  );
}

function installEngine(): void {
  const places = (process.env['PATH'] ?? '').split(path.delimiter);
  const isThere = (name: string): boolean => places.some((place) => existsSync(path.join(place, name)));
  if (isThere('dockerd') && isThere('docker')) return;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const quietly: ExecFileSyncOptions = { stdio: ['ignore', 'ignore', 'inherit'], env };
  execFileSync('apt-get', ['update', '-q'], quietly);
  execFileSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'docker.io', 'iptables'], quietly);
}
