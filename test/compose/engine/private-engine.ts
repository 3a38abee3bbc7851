import { type ExecFileSyncOptions, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildDir } from './build-dir.ts';

const engineDir = path.join(buildDir, 'engine');
const pidFile = path.join(engineDir, 'pid');
const logFile = path.join(engineDir, 'log');
const socket = path.join(engineDir, 'docker.sock');

/** What DOCKER_HOST is for the private engine. */
export const engineHost = `unix://${socket}`;

/**
 * Starts a Docker Engine of its own for the tests. It has its own network namespace: its bridges, addresses and firewall are
 * not the machine's, and nothing beyond it can be reached.
 * @throws Error where it cannot run, saying what it needs.
 */
export async function startEngine(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('a Docker Engine of its own needs root');
  installEngine();
  await stopEngine();
  mkdirSync(engineDir, { recursive: true });
  const places = { '--host': engineHost, '--data-root': 'data', '--exec-root': 'exec', '--pidfile': 'pid' };
  const args = Object.entries(places).map(
    ([flag, at]) => `${flag}=${at === engineHost ? at : path.join(engineDir, at)}`,
  );
  const log = openSync(logFile, 'w');
  const daemon = spawn('unshare', ['--net', 'dockerd', ...args], { detached: true, stdio: ['ignore', log, log] });
  daemon.unref();
  const startedMs = performance.now();
  while (!answers()) {
    if (daemon.exitCode !== null || performance.now() - startedMs > 60_000)
      throw new Error(`dockerd does not start:\n${readFileSync(logFile, 'utf8').split('\n').slice(-6).join('\n')}`);
    await sleep(100);
  }
}

/** Stops the engine that `startEngine` started, in this run or one that was cut short. */
export async function stopEngine(): Promise<void> {
  const pid = runningPid();
  if (pid === undefined) return;
  process.kill(pid, 'SIGTERM');
  while (runningPid() !== undefined) await sleep(100);
  rmSync(pidFile, { force: true });
}

/** A pid outlives its process in the file, and may by then be anybody's. */
function runningPid(): number | undefined {
  if (!existsSync(pidFile)) return undefined;
  const pid = Number(readFileSync(pidFile, 'utf8'));
  const commandFile = `/proc/${pid}/cmdline`;
  return existsSync(commandFile) && readFileSync(commandFile, 'utf8').includes(engineDir) ? pid : undefined;
}

function answers(): boolean {
  try {
    execFileSync('docker', ['--host', engineHost, 'version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function installEngine(): void {
  try {
    execFileSync('dockerd', ['--version'], { stdio: 'ignore' });
  } catch {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const quietly: ExecFileSyncOptions = { env, stdio: ['ignore', 'ignore', 'inherit'] };
    execFileSync('apt-get', ['update', '-q'], quietly);
    execFileSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'docker.io', 'iptables'], quietly);
  }
}
