import { chmodSync, cpSync, existsSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { packagePaths } from '../../src/buildpack/layout.ts';
import {
  makeStagingArea,
  openDirectory,
  type RunResult,
  removeTree,
  runUnprivileged,
  type StagingArea,
  treeOf,
  unpackPackage,
  writeRuntime,
} from './staging-area.ts';

const environment = { POOL_TYPE: 'SignalPool' };
let packageDir: string;
let area: StagingArea;

beforeAll(() => {
  packageDir = unpackPackage();
});
afterAll(() => removeTree(packageDir));
beforeEach(() => {
  area = makeStagingArea();
});
afterEach(() => removeTree(area.root));

function supply(extra: Record<string, string> = {}, from = packageDir): RunResult {
  const args = [area.buildDir, area.cacheDir, area.depsDir, '0'];
  return runUnprivileged(path.join(from, 'bin/supply'), args, { ...environment, ...extra });
}

const inDeps = (name: string): string => path.join(area.depsDir, '0', name);

describe('supply, from a read-only package, as a user that is not root', () => {
  test('declares the sidecar and leaves the app alone but for one profile script', () => {
    const before = treeOf(area.buildDir);
    expect(supply()).toMatchObject({ status: 0, stderr: '' });
    const { '.profile.d/meridian-sidecar.sh': script, ...rest } = treeOf(area.buildDir);
    expect(rest).toEqual(before);
    expect(script).toContain('export SIDECAR_ADDR=');
    expect(treeOf(area.cacheDir)).toEqual({});
    const deps = treeOf(area.depsDir);
    expect(Object.keys(deps).sort()).toEqual([
      '0/bin/meridian-sidecar',
      '0/config.yml',
      '0/launch.yml',
      '0/meridian/cli.mjs',
      '0/meridian/node',
      '0/meridian/sidecar.mjs',
    ]);
    expect(parse(deps['0/launch.yml'] ?? '')).toEqual({
      processes: [
        {
          type: 'meridian-sidecar',
          command: 'exec "$DEPS_DIR/0/bin/meridian-sidecar" run',
          limits: { memory: 128 },
          platforms: { cloudfoundry: { sidecar_for: ['web'] } },
        },
      ],
    });
    expect(parse(deps['0/config.yml'] ?? '')).toEqual({ name: 'meridian-sidecar', version: '0.1.0', config: {} });
  });

  test('can be run twice, with the same result', () => {
    supply();
    const first = { deps: treeOf(area.depsDir), app: treeOf(area.buildDir) };
    expect(supply().status).toBe(0);
    expect({ deps: treeOf(area.depsDir), app: treeOf(area.buildDir) }).toEqual(first);
  });

  test('works through a link to bin/supply and in a directory with a blank in its name', () => {
    const linked = path.join(openDirectory('a link'), 'supply');
    symlinkSync(path.join(packageDir, 'bin/supply'), linked);
    expect(runUnprivileged(linked, [area.buildDir, area.cacheDir, area.depsDir, '0'], environment).status).toBe(0);
    rmSync(path.dirname(linked), { recursive: true });
  });

  test('is not reached by the options that the app gives to its own Node', () => {
    expect(supply({ NODE_OPTIONS: '--require /proc/nowhere.js' }).status).toBe(0);
  });

  test('reports every fault of the variables at once and declares nothing', () => {
    const result = supply({ SIDECAR_MEMORY: '128M', REQUESTED_GRANTS: '[{topic}]', SIDECAR_FOR: '?' });
    expect(result.status).toBe(78);
    expect(result.stderr).toContain('[config/memory/not-megabytes]');
    expect(result.stderr).toContain('[config/requested-grants/not-json]');
    expect(result.stderr).toContain('[config/for/malformed]');
    expect(result.stderr).not.toContain('    at ');
    expect(existsSync(inDeps('launch.yml'))).toBe(false);
  });
});

describe('supply with wrong arguments', () => {
  test.each([[[]], [['/a', '/b']], [['/a', '/b', '/c', '0', 'more']]])('counts %j', (args) => {
    const result = runUnprivileged(path.join(packageDir, 'bin/supply'), args);
    expect(result).toMatchObject({ status: 64, stdout: '' });
    expect(result.stderr).toContain(`supply expects 4 arguments, got ${args.length}`);
  });

  test.each([
    ['a BUILD_DIR that is not there', 'build-dir', () => rmSync(area.buildDir, { recursive: true })],
    ['a BUILD_DIR that it may not read', 'build-dir', () => chmodSync(area.buildDir, 0o000)],
    ['a DEPS_DIR that it may not write', 'deps-dir', () => chmodSync(area.depsDir, 0o555)],
  ])('names %s', (_what, fault, spoil) => {
    spoil();
    expect(supply()).toMatchObject({ status: 64, stderr: expect.stringContaining(`[supply/args/${fault}]`) });
  });

  test('names a Procfile that it may not read', () => {
    writeFileSync(path.join(area.buildDir, 'Procfile'), 'web: node plugin.js\n', { mode: 0o000 });
    const result = supply();
    expect(result).toMatchObject({ status: 64, stderr: expect.stringContaining('Procfile cannot be used') });
    expect(result.stderr).toContain('[supply/files/refused]');
  });
});

describe('supply of a broken package', () => {
  let broken: string;
  beforeEach(() => {
    broken = openDirectory('broken');
    for (const part of ['bin', 'manifest.yml', 'VERSION']) cpSync(part, path.join(broken, part), { recursive: true });
  });
  afterEach(() => removeTree(broken));

  test('tells a checkout that was never built from a package', () => {
    const result = supply({}, broken);
    expect(result).toMatchObject({ status: 78, stderr: expect.stringContaining('npm ci && npm run build') });
    expect(result.stderr).toContain('[supply/package/not-built]');
  });

  /** How supply refuses that runtime; it keeps nothing of it, and a sound package works after it. */
  function refusalOf(runtime: string, checksum?: string): string {
    writeRuntime(broken, runtime, checksum);
    writeFileSync(path.join(broken, packagePaths.supply), '');
    const { status, stderr } = supply({}, broken);
    expect(status).toBe(78);
    expect(treeOf(area.depsDir)).toEqual({});
    expect(supply().status).toBe(0);
    return stderr;
  }

  test.each([
    ['differs from its checksum', `${'0'.repeat(64)}  node\n`],
    ['has an empty checksum', ''],
  ])('keeps no runtime that %s', (_what, checksum) => {
    expect(refusalOf('damaged', checksum)).toContain('[supply/runtime/checksum]');
  });

  test.each([
    ['the system refuses', '\x7fELF\x00of another processor', /: cannot execute binary file: Exec format error\n/],
    [
      'says what it lacks',
      '#!/bin/bash\necho "$0: libc.so.6: not found\nand more" >&2\nexit 1\n',
      /64: libc\.so\.6: not found\n/,
    ],
    ['says nothing', '#!/bin/bash\nexit 3\n', /: it ended with 3\n/],
  ])('keeps no runtime that %s, and shows why it does not start', (_what, runtime, reason) => {
    const stderr = refusalOf(runtime);
    expect(stderr).toMatch(reason);
    expect(stderr).toContain('[supply/runtime/foreign-system]');
  });
});

describe('what supply leaves behind', () => {
  beforeEach(() => {
    supply();
  });

  test('finds itself wherever the droplet is moved, and keeps its runtime private', () => {
    const moved = path.join(area.root, 'moved');
    cpSync(area.depsDir, moved, { recursive: true });
    rmSync(area.depsDir, { recursive: true });
    const result = runUnprivileged(path.join(moved, '0/bin/meridian-sidecar'), ['--help'], { NODE_OPTIONS: '--bogus' });
    expect(result).toMatchObject({ status: 0, stdout: expect.stringContaining('meridian-sidecar') });
    expect(statSync(path.join(moved, '0/meridian/node')).mode & 0o777).toBe(0o755);
  });
});
