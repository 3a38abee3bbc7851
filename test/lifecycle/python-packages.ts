import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import { setup as makeVirtualEnvironment, pythonFile } from '../python/virtual-environment.ts';
import { docker } from './engine-client.ts';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');
const directory = path.join(root, 'build/lifecycle/python-packages');

/** A directory with what requirements.txt of the plugin names, for the Python of the stack; made when it is not there. */
export async function pythonPackages(): Promise<string> {
  const requirements = path.join(root, 'fixtures/python-plugin/requirements.txt');
  const printVersion = 'import sys; print("%d.%d" % sys.version_info[:2])';
  const image = inject('lifecycle').stackImage;
  const version = await docker('run', '--rm', '--network', 'none', image, 'python3', '-c', printVersion);
  const stamp = `${version}\n${await readFile(requirements, 'utf8')}`;
  const stampFile = `${directory}.txt`;
  if (existsSync(stampFile) && (await readFile(stampFile, 'utf8')) === stamp) return directory;
  makeVirtualEnvironment();
  await rm(directory, { recursive: true, force: true });
  const foreign = ['--python-version', version, '--platform', 'manylinux2014_x86_64', '--only-binary=:all:'];
  const options = ['--quiet', '--no-compile', ...foreign, '--target', directory, '-r', requirements];
  await run(pythonFile, ['-m', 'pip', 'install', ...options]);
  await writeFile(stampFile, stamp);
  return directory;
}
