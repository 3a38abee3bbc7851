import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { packagePaths } from '../../src/buildpack/layout.ts';
import {
  makeStagingArea,
  openDirectory,
  removeTree,
  runUnprivileged,
  type StagingArea,
  writeRuntime,
} from './staging-area.ts';

let root: string;
let repository: string;
let area: StagingArea;

/** Git as it comes, without what the user has configured, and without a maintenance that goes on behind the tests. */
const environment = { ...process.env, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
const own = ['user.name=t', 'user.email=t@example.invalid', 'maintenance.auto=false'].flatMap((each) => ['-c', each]);
const git = (...args: string[]): string =>
  execFileSync('git', [...own, ...args], { cwd: repository, env: environment, encoding: 'utf8', stdio: 'pipe' });

/** A repository as ours is, with a branch that carries what `npm run build` makes; the runtime is a script that starts the real one. */
beforeAll(() => {
  root = openDirectory('git-url');
  repository = path.join(root, 'repository');
  mkdirSync(repository);
  git('init', '-q', '-b', 'main');
  for (const part of ['bin', 'manifest.yml', 'VERSION']) cpSync(part, path.join(repository, part), { recursive: true });
  git('add', '.');
  git('commit', '-qm', 'source');
  git('checkout', '-qb', 'release');
  const runtime = path.join(root, 'node');
  copyFileSync(process.execPath, runtime);
  chmodSync(runtime, 0o755);
  for (const part of [packagePaths.supply, packagePaths.sidecar, packagePaths.cli])
    cpSync(part, path.join(repository, part));
  writeRuntime(repository, `#!/bin/bash\nexec ${runtime} "$@"\n`);
  git('add', '-f', '.');
  git('commit', '-qm', 'release');
});
afterAll(() => removeTree(root));
beforeEach(() => {
  area = makeStagingArea();
  onTestFinished(() => removeTree(area.root));
});

/** Clones as the platform does for `cf push -b https://…/repository#REF`, and runs supply of the clone. */
function supplyOf(ref: string): ReturnType<typeof runUnprivileged> {
  const clone = path.join(root, ref);
  git('clone', '-q', '--depth', '1', '-b', ref, '--recursive', `file://${repository}`, clone);
  const args = [area.buildDir, area.cacheDir, area.depsDir, '0'];
  return runUnprivileged(path.join(clone, 'bin/supply'), args, { POOL_TYPE: 'SignalPool' });
}

test('a ref that carries dist/ stages as a package does', () => {
  expect(supplyOf('release')).toMatchObject({
    status: 0,
    stderr: '',
    stdout: expect.stringContaining('Declaring the sidecar'),
  });
  expect(existsSync(path.join(area.depsDir, '0/launch.yml'))).toBe(true);
});

test('any other ref stops, and names the zip to install', () => {
  const { status, stderr } = supplyOf('main');
  expect(status).toBe(78);
  expect(stderr).toContain('this is the source of the buildpack, not a package');
  expect(stderr).toMatch(
    /Install the zip of a release, meridian-sidecar_buildpack-cached-STACK-v[\d.]+\.zip, or name a git ref that carries dist\//,
  );
  expect(stderr).toContain('[supply/package/not-built]');
});
