import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  makeStagingArea,
  openDirectory,
  removeTree,
  runUnprivileged,
  type StagingArea,
  unpackSealed,
} from '../bin/staging-area.ts';
import { copyCheckout, makePackages } from './checkout.ts';

let root: string;
let clone: string;
let area: StagingArea;

/** Git as it comes, without what the user has configured. */
const environment = { ...process.env, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
const own = ['user.name=t', 'user.email=t@example.invalid', 'maintenance.auto=false'].flatMap((each) => ['-c', each]);

/** A clone as git makes it on Windows by default, of a repository with our files. */
beforeAll(() => {
  root = openDirectory('line-ends');
  area = makeStagingArea();
  const repository = copyCheckout();
  const git = (cwd: string, ...args: string[]): string =>
    execFileSync('git', [...own, ...args], { cwd, env: environment, encoding: 'utf8', stdio: 'pipe' });
  cpSync('.gitattributes', path.join(repository, '.gitattributes'));
  rmSync(path.join(repository, 'node_modules'));
  git(repository, 'init', '-q', '-b', 'main');
  git(repository, 'add', '.');
  git(repository, 'commit', '-qm', 'source');
  clone = path.join(root, 'clone');
  git(root, 'clone', '-q', '-c', 'core.autocrlf=true', `file://${repository}`, clone);
  removeTree(repository);
  symlinkSync(path.resolve('node_modules'), path.join(clone, 'node_modules'));
});
afterAll(() => {
  removeTree(root);
  removeTree(area.root);
});

test('a clone with core.autocrlf makes a package whose supply runs', () => {
  const [made] = makePackages(clone);
  const packageDir = unpackSealed(made?.path ?? '');
  const args = [area.buildDir, area.cacheDir, area.depsDir, '0'];
  const result = runUnprivileged(path.join(packageDir, 'bin/supply'), args, { POOL_TYPE: 'SignalPool' });
  removeTree(packageDir);
  expect(result).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining('Declaring the sidecar') });
});

test.each(['bin/supply', 'bin/download-runtime.bash', 'src/compose/image/healthcheck', 'VERSION', 'manifest.yml'])(
  'no package is made with carriage returns in %s',
  (name) => {
    const file = path.join(clone, name);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replaceAll('\n', '\r\n'));
    const command = ['src/packager/main.ts', 'package'];
    const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: clone, encoding: 'utf8' });
    writeFileSync(file, text);
    expect([status, stdout]).toEqual([1, 'Building dist/\n']);
    expect(stderr).toContain(`Lines end with a carriage return in ${name}\n`);
    expect(stderr).toContain('[packager/files/carriage-returns]');
  },
);
