import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { limits } from '../../src/contract/wire/limits.ts';
import { readPage } from '../docs/examples.ts';
import { apiPage, generatePackageStubs, generateStubs, packageDir, packagePluginDir, pluginDir } from './stubs.ts';
import { pythonFile } from './virtual-environment.ts';

const wire = 'meridian_plugin/_wire';

test('the stubs are what `npm run gen:python` makes of the proto files', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'meridian-stubs-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  generateStubs(directory);
  expect(stubsIn(pluginDir, 'meridian')).toEqual(stubsIn(directory, 'meridian'));
  generatePackageStubs(directory);
  expect(stubsIn(packageDir, wire)).toMatchObject(stubsIn(directory, wire));
});

test('the limits that the package knows are those of the contract', () => {
  const text = readFileSync(path.join(packageDir, 'meridian_plugin/_wire/limits.py'), 'utf8');
  const known = Object.fromEntries(
    [...text.matchAll(/^([A-Z_]+) = ([\d_ *]+)$/gm)].map(([, name = '', product = '']) => [
      name.toLowerCase().replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      product.split('*').reduce((value, factor) => value * Number(factor.replaceAll('_', '')), 1),
    ]),
  );
  expect(Object.keys(known)).toHaveLength(6);
  expect(limits).toMatchObject(known);
});

test('docs/plugin-api-python.md is what `npm run gen:python` makes of the sources of the package', () => {
  expect(readPage('plugin-api-python.md')).toBe(apiPage());
});

test('the package and other stubs of the same messages work in one process, in either order', () => {
  for (const order of ['m,o', 'o,m']) {
    const imports = { m: 'import meridian_plugin', o: 'import meridian.v1.sidecar_pb2' };
    const code = order
      .split(',')
      .map((key) => imports[key as 'm' | 'o'])
      .join('\n');
    const env = { PYTHONPATH: `${packageDir}:${pluginDir}`, PYTHONDONTWRITEBYTECODE: '1' };
    execFileSync(pythonFile, ['-c', code], { env, stdio: ['ignore', 'inherit', 'inherit'] });
  }
});

test.each([
  ['formatted', ['format', '--check']],
  ['free of what a linter finds', ['check', '--select', 'B,E,F,I,UP']],
])('the Python code is %s', (_, [command = '', ...options]) => {
  const folders = [pluginDir, packagePluginDir, packageDir, import.meta.dirname];
  const generated = ['meridian', '*_pb2.py', '*_pb2.pyi', 'descriptors.py'].flatMap((name) => ['--exclude', name]);
  const args = ['-m', 'ruff', command, '--isolated', '--no-cache', ...options, ...generated, ...folders];
  // From the plugin's folder, where its own modules and the stubs are told from packages.
  execFileSync(pythonFile, args, { cwd: pluginDir, stdio: ['ignore', 'inherit', 'inherit'] });
});

/** The text of each generated file of the package, by its path. */
function stubsIn(directory: string, name: string): Record<string, string> {
  const names = readdirSync(path.join(directory, name), { recursive: true, encoding: 'utf8' });
  const files = names.filter((file) => /\.pyi?$/.test(file)).sort();
  return Object.fromEntries(files.map((file) => [file, readFileSync(path.join(directory, name, file), 'utf8')]));
}
