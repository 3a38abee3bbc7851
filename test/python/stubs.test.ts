import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { generateStubs, pluginDir } from './stubs.ts';
import { pythonFile } from './virtual-environment.ts';

test('the stubs are what `npm run gen:python` makes of the proto files', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'meridian-stubs-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  generateStubs(directory);
  expect(stubsIn(pluginDir)).toEqual(stubsIn(directory));
});

test.each([
  ['formatted', ['format', '--check']],
  ['free of what a linter finds', ['check', '--select', 'B,E,F,I,UP']],
])('the Python code is %s', (_, [command = '', ...options]) => {
  const folders = [pluginDir, import.meta.dirname];
  const args = ['-m', 'ruff', command, '--isolated', '--no-cache', ...options, '--exclude', 'meridian', ...folders];
  // From the plugin's folder, where its own modules and the stubs are told from packages.
  execFileSync(pythonFile, args, { cwd: pluginDir, stdio: ['ignore', 'inherit', 'inherit'] });
});

/** The text of each generated file of the package, by its path. */
function stubsIn(directory: string): Record<string, string> {
  const names = readdirSync(path.join(directory, 'meridian'), { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => /\.pyi?$/.test(name)).sort();
  return Object.fromEntries(files.map((name) => [name, readFileSync(path.join(directory, 'meridian', name), 'utf8')]));
}
