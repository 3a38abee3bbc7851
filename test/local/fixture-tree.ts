import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { removeTree } from '../../src/local/droplet-files.ts';

/** A directory that is gone after the test. */
export async function temporaryDir(): Promise<string> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'meridian-local-'));
  onTestFinished(() => removeTree(dir));
  return dir;
}

/** Writes files by their relative paths; those under `bin/` become executable. */
export async function writeTree(dir: string, tree: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, text] of Object.entries(tree)) {
    const file = path.join(dir, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
    if (name.startsWith('bin/')) await chmod(file, 0o755);
  }
  return dir;
}
