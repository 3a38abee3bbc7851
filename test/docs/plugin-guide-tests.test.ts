import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packClient } from '../../src/packager/client/client-package.ts';
import { endAll, Program } from '../sidecar/processes.ts';
import { readPage } from './examples.ts';

const root = path.resolve(import.meta.dirname, '../..');
const version = readFileSync(path.join(root, 'VERSION'), 'utf8').trim();
const files = [...readPage('plugin-guide.md').matchAll(/^```ts (\S+)\n(.*?)^```/gms)].map(
  ([, name = '', source = '']) => ({ name, source }),
);

/** An author's folder, with the package installed by npm and the files of the page. */
let app: string;
beforeAll(async () => {
  app = mkdtempSync(path.join(tmpdir(), 'meridian-guide-'));
  await packClient({ root, version, outDir: app });
  writeFileSync(path.join(app, 'package.json'), '{ "name": "app", "private": true, "type": "module" }');
  const options = ['--offline', '--no-audit', '--no-fund'];
  execFileSync('npm', ['install', ...options, `./meridian-plugin-${version}.tgz`], { cwd: app });
  symlinkSync(path.join(root, 'node_modules/vitest'), path.join(app, 'node_modules/vitest'));
  for (const { name, source } of files) writeFileSync(path.join(app, name), source);
});
afterAll(async () => {
  await endAll();
  rmSync(app, { recursive: true, force: true });
});

describe('the tests of docs/plugin-guide.md', () => {
  test('are a plugin, its program, and a test for each of two runners', () => {
    expect(files.map(({ name }) => name)).toEqual(['quotes.ts', 'main.ts', 'quotes.test.ts', 'program.test.ts']);
  });

  test.each([
    ['vitest', [path.join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', '.', 'quotes.test.ts'], '3 passed'],
    ['node:test', ['--test', '--test-reporter=tap', 'program.test.ts'], '# pass 1'],
  ])('pass with %s', async (_, args, passed) => {
    const run = new Program(
      ['-c', 'cd "$1"; shift; exec "$@"', 'bash', app, process.execPath, ...args],
      {},
      '/bin/bash',
    );
    expect(await run.exited, run.output).toBe(0);
    expect(run.stdout).toContain(passed);
  });

  test('are correct by their types', () => {
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: 'es2024',
      module: 'nodenext',
      types: ['node'],
      typeRoots: [path.join(root, 'node_modules/@types')],
      allowImportingTsExtensions: true,
      skipLibCheck: true,
    };
    const names = files.map(({ name }) => name);
    writeFileSync(path.join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: names }));
    const compiler = path.join(root, 'node_modules/typescript/bin/tsc');
    const { stdout, status } = spawnSync(process.execPath, [compiler, '-p', app], { cwd: app, encoding: 'utf8' });
    expect([status, stdout]).toEqual([0, '']);
  });
});
