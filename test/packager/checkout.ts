import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Weight } from '../../src/packager/bundle/weigh.ts';
import type { MadePackage as Made } from '../../src/packager/made-package.ts';

export type MadePackage = Made & { readonly weight?: Weight };

const root = path.resolve(import.meta.dirname, '../..');

/** Everything of the repository that the packager reads. */
const parts = [
  'bin',
  'CHANGELOG.md',
  'LICENSE',
  'manifest.yml',
  'package-lock.json',
  'package.json',
  'README.md',
  'src',
  'VERSION',
];

/** A copy of the repository to make packages in: dist/ of the repository itself is what other tests run meanwhile. */
export function copyCheckout(): string {
  const copy = mkdtempSync(path.join(tmpdir(), 'checkout-'));
  for (const part of parts) cpSync(path.join(root, part), path.join(copy, part), { recursive: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  return copy;
}

/** Runs the packager of a checkout as `npm run package` does; returns what it made. */
export function makePackages(checkout: string, args: readonly string[] = [], env = process.env): MadePackage[] {
  const command = ['src/packager/main.ts', 'package', '--json', ...args];
  const made = JSON.parse(execFileSync(process.execPath, command, { cwd: checkout, env, encoding: 'utf8' }));
  return (made as MadePackage[]).map((each) => ({ ...each, path: path.join(checkout, each.path) }));
}

/** Unpacks a zip with the real `unzip`, which keeps its modes. */
export function unzip(zip: string, directory: string): void {
  execFileSync('unzip', ['-q', zip, '-d', directory]);
}
