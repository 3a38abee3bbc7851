import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { cliFile, stagedLocally } from './staged-locally.ts';
import type { CaseName } from './staging-cases.ts';
import { type Watched, watch } from './watched-lines.ts';

/** One instance as `meridian-sidecar launch` runs it. */
export interface LocalInstance {
  /** Every line of every process, with its name before it, as in a container of the platform. */
  readonly lines: readonly string[];
  readonly said: Watched;
  readonly terminate: () => void;
  /** Resolves with the exit code of `launch` when nothing runs any more. */
  readonly ended: Promise<number>;
}

/** Launches a droplet that `meridian-sidecar stage` made. */
export async function launchLocally(name: CaseName, env: Readonly<Record<string, string>>): Promise<LocalInstance> {
  const { outDir } = await stagedLocally(name);
  const flags = Object.entries(env).flatMap(([variable, value]) => ['--env', `${variable}=${value}`]);
  const child = spawn(process.execPath, [cliFile, 'launch', outDir, ...flags], {
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const said = watch(lines);
  const place = `${outDir}/droplet`;
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => said.push(named(line).replaceAll(place, '/home/vcap')));
  }
  onTestFinished(() => {
    child.kill('SIGTERM');
  });
  return {
    lines,
    said,
    terminate: () => void child.kill('SIGTERM'),
    ended: once(child, 'close').then(([code]) => (code as number | null) ?? 1),
  };
}

/** `[APP/PROC/WEB/SIDECAR/NAME/0] text` as `name: text`. */
function named(line: string): string {
  return line.replace(/^\[APP\/PROC\/(\w+)(?:\/SIDECAR\/([\w-]+))?\/0\] /, (_, type: string, sidecar?: string) => {
    return `${(sidecar ?? type).toLowerCase()}: `;
  });
}
