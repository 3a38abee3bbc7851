import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { endAll, runCli, writeTemporary } from '../sidecar/processes.ts';
import { pythonFile } from './virtual-environment.ts';

const root = path.resolve(import.meta.dirname, '../..');

afterEach(endAll);

test('a plugin that init makes in Python is installed by pip, passes its own test and the conformance tests, and is formatted', async () => {
  const folder = path.join(path.dirname(writeTemporary('made', '')), 'ticks');
  const made = runCli('init', folder, '--language', 'python');
  expect(await made.exited, made.output).toBe(0);
  const venv = path.join(folder, '.venv/bin');
  execFileSync('python3', ['-m', 'venv', path.join(folder, '.venv')]);
  execFileSync(path.join(venv, 'pip'), ['install', '--quiet', '-r', 'requirements-dev.txt'], { cwd: folder });

  const command = path.join(root, 'bin/meridian-sidecar');
  const env = { ...process.env, MERIDIAN_SIDECAR_COMMAND: command };
  const tested = execFileSync(path.join(venv, 'pytest'), ['-q'], { cwd: folder, env, encoding: 'utf8' });
  expect(tested).toContain('1 passed');

  const grants = ['--grant', 'publish:demo.*', '--grant', 'subscribe:demo.*'];
  const judging = runCli('conformance', ...grants, '--', path.join(venv, 'python'), path.join(folder, 'plugin.py'));
  expect(await judging.exited, judging.output).toBe(0);
  expect(judging.stdout).toContain('14 passed, 0 failed, 1 not applicable');

  const ruff = ['-m', 'ruff', 'format', '--isolated', '--no-cache', '--line-length', '132', '--check'];
  const files = ['plugin.py', 'test_plugin.py'].map((name) => path.join(folder, name));
  execFileSync(pythonFile, [...ruff, ...files], { stdio: ['ignore', 'inherit', 'inherit'] });
});
