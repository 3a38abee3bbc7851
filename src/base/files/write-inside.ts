import type { Stats } from 'node:fs';
import { chmod, lstat, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { kindOf, UnfitFileError } from './read-text-file.ts';

export interface WrittenFile {
  /** Relative to the target folder. */
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/**
 * Writes a file into a folder that others also write to. It follows no link there: a link could lead to another file, or out of the folder.
 * It replaces an existing file and never writes through it, since the file may have a second name elsewhere.
 * @throws UnfitFileError for an obstacle, or the system's error.
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
