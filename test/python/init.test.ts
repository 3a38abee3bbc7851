import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { endAll, runCli, writeTemporary } from '../sidecar/processes.ts';
import { pythonFile } from './virtual-environment.ts';

afterEach(endAll);

test('a plugin that init makes in Python is installed by pip, passes the conformance tests, and is formatted', async () => {
  const folder = path.join(path.dirname(writeTemporary('made', '')), 'ticks');
  const made = runCli('init', folder, '--language', 'python');
  expect(await made.exited, made.output).toBe(0);
  const venv = path.join(folder, '.venv/bin');
  execFileSync('python3', ['-m', 'venv', path.join(folder, '.venv')]);
  execFileSync(path.join(venv, 'pip'), ['install', '--quiet', '-r', 'requirements.txt'], { cwd: folder });

  const grants = ['--grant', 'publish:demo.*', '--grant', 'subscribe:demo.*'];
  const judging = runCli('conformance', ...grants, '--', path.join(venv, 'python'), path.join(folder, 'plugin.py'));
  expect(await judging.exited, judging.output).toBe(0);
  expect(judging.stdout).toContain('14 passed, 0 failed, 1 not applicable');

  const lines = readFileSync(path.join(folder, 'plugin.py'), 'utf8');
  expect(lines).toContain('from meridian_plugin import');
  const ruff = ['-m', 'ruff', 'format', '--isolated', '--no-cache', '--line-length', '132', '--check'];
  execFileSync(pythonFile, [...ruff, path.join(folder, 'plugin.py')], { stdio: ['ignore', 'inherit', 'inherit'] });
});
