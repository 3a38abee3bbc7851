import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type OtherEntry, rollUp } from './roll-up.ts';

const settings = [
  ['--ignoreConfig', '--declaration', '--emitDeclarationOnly', '--stripInternal', '--strict', '--skipLibCheck'],
  ['--exactOptionalPropertyTypes', '--allowImportingTsExtensions', '--module', 'nodenext', '--types', 'node'],
  ['--target', 'es2024', '--lib', 'es2024,esnext.disposable'],
].flat();

/**
 * The declarations of a module for plugins as one file: what its entry exports, and the types that these name. What another entry exports is
 * imported from its module.
 */
export async function clientDeclarations(root: string, entry: string, other?: OtherEntry): Promise<string> {
  const outDir = await mkdtemp(path.join(tmpdir(), 'meridian-declarations-'));
  try {
    const compiler = path.join(root, 'node_modules/typescript/bin/tsc');
    const args = [compiler, entry, ...settings, '--rootDir', 'src', '--outDir', outDir];
    await promisify(execFile)(process.execPath, args, { cwd: root });
    const files = (await readdir(outDir, { recursive: true })).filter((name) => name.endsWith('.d.ts'));
    const texts = files.map(async (name) => {
      const source = path.posix.join('src', name.replaceAll(path.sep, '/').replace(/\.d\.ts$/, '.ts'));
      return [source, await readFile(path.join(outDir, name), 'utf8')] as const;
    });
    return rollUp(new Map(await Promise.all(texts)), entry, other);
  } finally {
    await rm(outDir, { recursive: true, force: true });
  }
}
