import { constants } from 'node:fs';
import { access, cp, lstat, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeFolders } from '../base/files/make-folders.ts';
import { kindOf, readTextFile, UnfitFileError } from '../base/files/read-text-file.ts';
import { messageOf } from '../base/user-facing-error.ts';
import { outUnwritable, unfitFile } from './staging-failure.ts';

/** Files that `cf push` does not upload. */
const neverUploaded: ReadonlySet<string> = new Set(['.cfignore', '.DS_Store', '.git', '.gitignore', '.hg', '.svn']);

export async function isDirectory(dir: string): Promise<boolean> {
  return await stat(dir).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

export async function isReadableDirectory(dir: string): Promise<boolean> {
  const readable = access(dir, constants.R_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  return (await isDirectory(dir)) && (await readable);
}

export async function exists(file: string): Promise<boolean> {
  return await stat(file).then(
    () => true,
    () => false,
  );
}

/**
 * The file's text, or undefined when the file does not exist. With `within` it must be in that folder after every link is
 * followed.
 * @throws UserFacingError `stage/files/unfit`.
 */
export async function readTextIfPresent(file: string, within?: string): Promise<string | undefined> {
  return await readTextFile(file, within === undefined ? {} : { within }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw unfitFile(error instanceof UnfitFileError ? error.message : `${file}: ${messageOf(error)}`);
  });
}

export async function writeText(file: string, text: string): Promise<void> {
  await writeFile(file, text);
}

/** Copies an app as an upload does: links stay links, and files that are never uploaded are left out. */
export async function copyApp(from: string, to: string): Promise<void> {
  await cp(from, to, {
    recursive: true,
    verbatimSymlinks: true,
    filter: async (source) => {
      if (neverUploaded.has(path.basename(source)) && source !== from) return false;
      const found = await lstat(source);
      if (found.isFile() || found.isDirectory() || found.isSymbolicLink()) return true;
      throw new UnfitFileError(source, `it is ${kindOf(found)}, not a file`);
    },
  }).catch((error: unknown) => {
    throw unfitFile(messageOf(error));
  });
}

/** Makes a new empty directory inside `parent`, and `parent` if needed. */
export async function makeWorkDir(parent: string): Promise<string> {
  try {
    makeFolders(parent);
    return await mkdtemp(path.join(parent, 'staging-'));
  } catch (error) {
    throw outUnwritable(parent, messageOf(error));
  }
}

export async function makeDirs(dirs: readonly string[]): Promise<void> {
  for (const dir of dirs) makeFolders(dir);
}

export async function removeTree(dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true });
}

export async function move(from: string, to: string): Promise<void> {
  await rename(from, to);
}

export async function namesIn(dir: string): Promise<string[]> {
  return await readdir(dir);
}
