import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import { inject } from 'vitest';

const run = promisify(execFile);

/** Asks the engine of the tests; returns what it printed. @throws Error with what the engine said. */
export async function docker(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('docker', dockerArguments(args), { maxBuffer: 64 * 1024 * 1024 });
  return stdout.trim();
}

/** Runs a command of the engine's to its end with all output in one file, in the order it came; returns the exit code. */
export async function dockerLogged(logFile: string, ...args: readonly string[]): Promise<number> {
  const log = openSync(logFile, 'w');
  const child = spawn('docker', dockerArguments(args), { stdio: ['ignore', log, log] });
  closeSync(log);
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

/** The arguments of `docker` that make it talk to the engine of the tests. */
export function dockerArguments(args: readonly string[]): string[] {
  return ['--host', inject('lifecycle').engineHost, ...args];
}

/** Options that set variables in a container. */
export function variables(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
}
