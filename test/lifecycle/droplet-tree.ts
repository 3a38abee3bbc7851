import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';

/** Every path of a droplet with its kind, mode and content: a file's hash, a link's target. */
export async function dropletTree(dir: string): Promise<Record<string, string>> {
  const names = await readdir(dir, { recursive: true });
  const entries = await Promise.all(names.sort().map(async (name) => [name, await describe(path.join(dir, name))]));
  return Object.fromEntries(entries) as Record<string, string>;
}

async function describe(file: string): Promise<string> {
  const found = await lstat(file);
  const mode = (found.mode & 0o7777).toString(8);
  if (found.isSymbolicLink()) return `link to ${await readlink(file)}`;
  if (found.isDirectory()) return `directory ${mode}`;
  return `file ${mode} ${createHash('sha256')
    .update(await readFile(file))
    .digest('hex')}`;
}
