import { constants } from 'node:fs';
import { access, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** What `cf push` leaves behind when it uploads an app. */
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

/** The file's text, or undefined when there is no such file. */
export async function readTextIfPresent(file: string): Promise<string | undefined> {
  return await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

export async function writeText(file: string, text: string): Promise<void> {
  await writeFile(file, text);
}

/** Copies an app as an upload does: links stay links, what is never uploaded stays behind. */
export async function copyApp(from: string, to: string): Promise<void> {
  await cp(from, to, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !neverUploaded.has(path.basename(source)) || source === from,
  });
}

/** A new empty directory inside `parent`, which is made when it is not there. */
export async function makeWorkDir(parent: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  return await mkdtemp(path.join(parent, 'staging-'));
}

export async function makeDirs(dirs: readonly string[]): Promise<void> {
  for (const dir of dirs) await mkdir(dir, { recursive: true });
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
