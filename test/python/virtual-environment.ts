import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const directory = path.join(root, 'build/python');
const requirementFiles = ['fixtures/python-plugin/requirements.txt', 'test/python/requirements.txt'];

/** The interpreter that has what the fixture and its tests need; `setup` makes it. */
export const pythonFile = path.join(directory, 'bin/python');

/** Makes the virtual environment, unless it was made from the same requirements. @throws Error when there is no Python. */
export function setup(): void {
  const requirements = requirementFiles.map((file) => readFileSync(path.join(root, file), 'utf8')).join('\n');
  const stampFile = path.join(directory, 'made-from.txt');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === requirements) return;
  checkPython();
  makeEnvironment(directory, '-r', 'test/python/requirements.txt');
  writeFileSync(stampFile, requirements);
}

/** Makes a virtual environment with what pip is told to install. Returns its interpreter. */
export function makeEnvironment(folder: string, ...install: readonly string[]): string {
  const python = path.join(folder, 'bin/python');
  run('python3', ['-m', 'venv', '--clear', folder]);
  run(python, ['-m', 'pip', 'install', '--quiet', ...install]);
  return python;
}

function checkPython(): void {
  try {
    const isNew = 'import sys; sys.exit(sys.version_info < (3, 11))';
    execFileSync('python3', ['-c', isNew], { stdio: 'ignore' });
  } catch (cause) {
    throw new Error('these tests need python3, at least 3.11, with its venv module', { cause });
  }
}

function run(file: string, args: readonly string[]): void {
  execFileSync(file, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
}
