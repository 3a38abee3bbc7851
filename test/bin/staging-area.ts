import { type SpawnOptionsWithoutStdio, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { packagePaths } from '../../src/buildpack/layout.ts';
import { copyCheckout, makePackages, unzip } from '../packager/checkout.ts';

/** A fresh directory that any user may enter. */
export function openDirectory(name: string): string {
  const directory = mkdtempSync(path.join(tmpdir(), `${name}-`));
  chmodSync(directory, 0o755);
  return directory;
}

/** A package, made and unpacked as the platform mounts it: nothing can be written, and only the scripts of bin/ are executable. */
export function unpackPackage(): string {
  const checkout = copyCheckout();
  const [made] = makePackages(checkout);
  const root = unpackSealed(made?.path ?? '');
  removeTree(checkout);
  return root;
}

/**
 * The same, with a script in the runtime's place that starts the real one: for tests that run supply often, and for whom copying
 * and comparing a hundred megabytes proves nothing. Remove `root`.
 */
export function unpackLightPackage(): { readonly root: string; readonly packageDir: string } {
  const root = openDirectory('light');
  const sealed = unpackPackage();
  const packageDir = path.join(root, 'package');
  cpSync(sealed, packageDir, { recursive: true });
  const runtime = path.join(root, 'node');
  copyFileSync(path.join(sealed, packagePaths.runtime), runtime);
  chmodSync(runtime, 0o755);
  removeTree(sealed);
  chmodSync(path.join(packageDir, path.dirname(packagePaths.runtime)), 0o755);
  for (const file of [packagePaths.runtime, packagePaths.runtimeChecksum, packagePaths.supply]) {
    chmodSync(path.join(packageDir, file), 0o644);
  }
  writeRuntime(packageDir, `#!/bin/bash -p\nexec ${runtime} "$@"\n`);
  return { root, packageDir };
}

/** Puts a script in the place of a package's runtime, with its own checksum or another in the file beside it. */
export function writeRuntime(
  packageDir: string,
  script: string,
  checksum = `${createHash('sha256').update(script).digest('hex')}  node\n`,
): void {
  mkdirSync(path.join(packageDir, path.dirname(packagePaths.runtime)), { recursive: true });
  writeFileSync(path.join(packageDir, packagePaths.runtime), script);
  writeFileSync(path.join(packageDir, packagePaths.runtimeChecksum), checksum);
}

/** Unpacks a buildpack zip as the platform mounts it. */
export function unpackSealed(zip: string): string {
  const root = openDirectory('package');
  unzip(zip, root);
  sealTree(root);
  return root;
}

function sealTree(root: string): void {
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(root, name);
    chmodSync(file, statSync(file).isDirectory() || name.startsWith('bin/') ? 0o555 : 0o444);
  }
  chmodSync(root, 0o555);
}

/** Removes a directory whatever modes a test has left in it; only root needs no write permission for that. */
export function removeTree(root: string): void {
  spawnSync('chmod', ['-R', 'u+rwX', root]);
  rmSync(root, { recursive: true, force: true });
}

export interface StagingArea {
  readonly root: string;
  readonly buildDir: string;
  readonly cacheDir: string;
  readonly depsDir: string;
}

/** The directories of one staging, with a small app in BUILD_DIR, all writable for everybody. */
export function makeStagingArea(): StagingArea {
  const root = openDirectory('staging');
  const area = {
    root,
    buildDir: path.join(root, 'app'),
    cacheDir: path.join(root, 'cache'),
    depsDir: path.join(root, 'deps'),
  };
  mkdirSync(path.join(area.buildDir, '.profile.d'), { recursive: true });
  mkdirSync(path.join(area.depsDir, '0'), { recursive: true });
  mkdirSync(area.cacheDir);
  writeFileSync(path.join(area.buildDir, 'plugin.js'), 'setInterval(() => {}, 1000);\n');
  writeFileSync(path.join(area.buildDir, '.profile.d/own.sh'), 'export OWN=1\n');
  for (const name of ['.', ...readdirSync(root, { recursive: true, encoding: 'utf8' })]) {
    const file = path.join(root, name);
    chmodSync(file, statSync(file).isDirectory() ? 0o777 : 0o666);
  }
  return area;
}

/** Every path under a directory, each file with its text. */
export function treeOf(root: string): Record<string, string> {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  const files = names.filter((name) => statSync(path.join(root, name)).isFile());
  return Object.fromEntries(files.map((name) => [name, readFileSync(path.join(root, name), 'latin1')]));
}

export interface RunResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Nobody's user id: root reads and writes whatever it likes, and so would prove nothing. */
const unprivilegedId = 65_534;

/** Runs a program as a user that is not root, with the given variables and PATH only. */
export function runUnprivileged(
  program: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): RunResult {
  return spawnSync(program, args, { encoding: 'utf8', ...unprivileged(environment) });
}

/** The same, while the test goes on, as a server that the program talks to. */
export async function startUnprivileged(
  program: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<RunResult> {
  const child = spawn(program, args, unprivileged(environment));
  child.stdin.end();
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { status: status as number | null, stdout, stderr };
}

function unprivileged(environment: Record<string, string>): SpawnOptionsWithoutStdio {
  const asRoot = process.getuid?.() === 0;
  return {
    env: { PATH: '/usr/bin:/bin', ...environment },
    cwd: '/',
    ...(asRoot ? { uid: unprivilegedId, gid: unprivilegedId } : {}),
  };
}
