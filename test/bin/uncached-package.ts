import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { packagePaths } from '../../src/buildpack/layout.ts';
import { copyCheckout, makePackages } from '../packager/checkout.ts';
import { openDirectory, removeTree, unpackSealed } from './staging-area.ts';

// The real archives are not downloaded in tests. Stand-ins are made of the pinned runtime: for one stack an archive with the
// runtime itself, for the other a small one with a script that starts it.
export const standIns = openDirectory('stand-ins');
export const realArchive = archiveOf('real', 'node-v24.18.0-linux-x64/bin/node', (file) =>
  copyFileSync(process.execPath, file),
);
export const small = archiveOf('small', 'bin/node', (file) =>
  writeFileSync(file, `#!/bin/bash\nexec ${path.join(standIns, 'real/node-v24.18.0-linux-x64/bin/node')} "$@"\n`),
);

/** A .tgz with that one program in it, and a text beside. */
export function archiveOf(name: string, member: string, write: (file: string) => void): Buffer {
  const directory = path.join(standIns, name);
  mkdirSync(path.join(directory, path.dirname(member)), { recursive: true });
  write(path.join(directory, member));
  chmodSync(path.join(directory, member), 0o755);
  writeFileSync(path.join(directory, 'README.md'), 'bin/node is beside this file.\n');
  const file = path.join(standIns, `${name}.tgz`);
  const top = readdirSync(directory);
  execFileSync('tar', ['-cf', file, '-I', 'gzip -1', '-C', directory, ...top]);
  return readFileSync(file);
}

export const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

/** The uncached package of a manifest whose checksums are those of the stand-ins, unpacked. */
export function unpackUncached(archives: Readonly<Record<string, Buffer>>): string {
  const checkout = copyCheckout();
  const file = path.join(checkout, 'manifest.yml');
  let manifest = readFileSync(file, 'utf8');
  for (const [stack, content] of Object.entries(archives)) {
    const checksum = new RegExp(`(?<=_${stack}_\\w+\\.tgz\\n  sha256: )\\w+`);
    manifest = manifest.replace(checksum, sha256(content));
  }
  writeFileSync(file, manifest);
  const [made] = makePackages(checkout, ['--uncached']);
  const unpacked = unpackSealed(made?.path ?? '');
  removeTree(checkout);
  return unpacked;
}

/** A copy of an unpacked package, whose only download is that content. */
export function withDownload(packageDir: string, { content, uri }: { content: Buffer; uri: string }): string {
  const copy = openDirectory('package');
  cpSync(packageDir, copy, { recursive: true });
  const table = path.join(copy, packagePaths.downloads);
  chmodSync(table, 0o644);
  writeFileSync(table, ['cflinuxfs4', '24.18.0', sha256(content), `${uri}\n`].join('\t'));
  return copy;
}
