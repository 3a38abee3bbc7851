import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { formatBytes } from '../../base/bytes.ts';
import { packagePaths } from '../../buildpack/layout.ts';

/** What a package costs; sizes in bytes, times in milliseconds. */
export interface Weight {
  readonly zipBytes: number;
  readonly unpackedBytes: number;
  /** The size of supply's files in a droplet. */
  readonly dropletBytes: number;
  /** The same as the platform stores and moves it: in a .tgz. */
  readonly dropletTgzBytes: number;
  /** The peak of supply's resident memory. */
  readonly peakMemoryBytes: number;
  readonly supplyMs: number;
  /** Median over pairs of consecutive runs: supply's time divided by that of `cp` and `sha256sum` for the same files. */
  readonly ratioToCopy: number;
}

const run = promisify(execFile);

/** Weighs the zip of a cached package on this machine, by staging with it that many times; needs `unzip`. */
export async function weigh(zip: string, pairs: number): Promise<Weight> {
  const work = await mkdtemp(path.join(tmpdir(), 'weigh-'));
  const at = (name: string): string => path.join(work, name);
  try {
    await run('unzip', ['-q', zip, '-d', at('buildpack')]);
    const times: { readonly supplyMs: number; readonly copyMs: number }[] = [];
    let peakMemoryBytes = 0;
    for (let pair = 0; pair < pairs; pair += 1) {
      await Promise.all(['app', 'deps', 'copy'].map((name) => rm(at(name), { recursive: true, force: true })));
      await Promise.all(['app', 'deps/0', 'cache', 'copy'].map((name) => mkdir(at(name), { recursive: true })));
      const copy = () => timed('bash', ['-c', copyScript, 'copy', at('buildpack'), at('copy')]);
      const stage = () => timed(at('buildpack/bin/supply'), [at('app'), at('cache'), at('deps'), '0']);
      // The two take turns to be first, since the second finds a cache that the first has filled.
      const [first, second] = pair % 2 === 0 ? [stage, copy] : [copy, stage];
      const results = [await first(), await second()];
      const [staged, copied] = pair % 2 === 0 ? results : results.toReversed();
      times.push({ supplyMs: staged?.ms ?? 0, copyMs: copied?.ms ?? 0 });
      peakMemoryBytes = Math.max(peakMemoryBytes, staged?.peakMemoryBytes ?? 0);
    }
    await run('tar', ['-czf', at('droplet.tgz'), '-C', work, 'app', 'deps']);
    return {
      zipBytes: (await stat(zip)).size,
      unpackedBytes: await bytesBelow(at('buildpack')),
      dropletBytes: (await bytesBelow(at('app'))) + (await bytesBelow(at('deps'))),
      dropletTgzBytes: (await stat(at('droplet.tgz'))).size,
      peakMemoryBytes,
      supplyMs: median(times.map(({ supplyMs }) => supplyMs)),
      ratioToCopy: median(times.map(({ supplyMs, copyMs }) => supplyMs / copyMs)),
    };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The weight as a table in Markdown. */
export function weightTable(weight: Weight): string {
  const rows = [
    ['zip', formatBytes(weight.zipBytes)],
    ['unpacked', formatBytes(weight.unpackedBytes)],
    ['growth of a droplet', formatBytes(weight.dropletBytes)],
    ['growth of a droplet as .tgz', formatBytes(weight.dropletTgzBytes)],
    ["supply's peak memory", formatBytes(weight.peakMemoryBytes)],
    ["supply's time", `${Math.round(weight.supplyMs)} ms`],
    ['ratio to `cp` and `sha256sum` of the same files', weight.ratioToCopy.toFixed(2)],
  ];
  return ['| measure | value |', '|---|---|', ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n');
}

const copyScript = [packagePaths.runtime, packagePaths.sidecar, packagePaths.cli]
  .map((file) => `cp "$1/${file}" "$2/" && sha256sum <"$2/${path.posix.basename(file)}"`)
  .join(' && ');

async function timed(program: string, args: readonly string[]): Promise<{ ms: number; peakMemoryBytes: number }> {
  const start = performance.now();
  const child = spawn(program, args, { stdio: 'ignore', env: { PATH: process.env['PATH'], POOL_TYPE: 'WeighedPool' } });
  let peakMemoryBytes = 0;
  // The kernel keeps a process's peak until it ends or executes another program.
  const look = async (): Promise<void> => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    peakMemoryBytes = Math.max(peakMemoryBytes, Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0) * 1024);
  };
  const poll = setInterval(() => void look(), 5);
  const [code] = (await once(child, 'exit')) as [number | null];
  const ms = performance.now() - start;
  clearInterval(poll);
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
  return { ms, peakMemoryBytes };
}

async function bytesBelow(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async (file) => (await stat(path.join(file.parentPath, file.name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
