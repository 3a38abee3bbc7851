import type { Stats } from 'node:fs';
import { chmod, lstat, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { kindOf, UnfitFileError } from './read-text-file.ts';

export interface WrittenFile {
  /** Relative to the folder that it is written into. */
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/**
 * Writes a file into a folder that others write into as well, and follows no link there: one would lead to another file of theirs,
 * or out of the folder. A file that is there under the name is replaced, never written through: it may have a second name elsewhere.
 * @throws UnfitFileError for what is in the way, or the system's error.
 */
export async function writeInside(folder: string, file: WrittenFile): Promise<void> {
  const target = path.join(folder, file.path);
  const parents = path.dirname(file.path).split(path.sep);
  for (const [at] of parents.entries()) await ensureFolder(path.join(folder, ...parents.slice(0, at + 1)));
  const found = await lstatIfThere(target);
  if (found && !found.isFile()) throw new UnfitFileError(target, `it is ${kindOf(found)}, not a file`);
  await rm(target, { force: true });
  await writeFile(target, file.text, { flag: 'wx' });
  await chmod(target, file.mode);
}

async function ensureFolder(folder: string): Promise<void> {
  const found = await lstatIfThere(folder);
  if (!found) await mkdir(folder);
  else if (!found.isDirectory()) throw new UnfitFileError(folder, `it is ${kindOf(found)}, not a folder`);
}

async function lstatIfThere(file: string): Promise<Stats | undefined> {
  return await lstat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
