import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

/** What a ConfigMap gives its files when nothing else is said. */
export const configMapMode = 0o644;

export interface FileVolume {
  readonly dir: string;
  /** The group that the pod's containers have beside their own. */
  readonly fsGroup: number;
  readonly mode: number;
}

/**
 * Puts the files of a ConfigMap or Secret into a volume as the kubelet does: each is a link into the folder `..data`, which is
 * a link to a folder of this version, so that a later call changes all files at once.
 */
export function writeFiles({ dir, fsGroup, mode }: FileVolume, files: Readonly<Record<string, string>>): void {
  makeFolder(dir, fsGroup);
  const version = mkdtempSync(path.join(dir, '..version_'));
  makeFolder(version, fsGroup);
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(version, name);
    writeFileSync(file, text);
    chownSync(file, 0, fsGroup);
    chmodSync(file, mode | 0o440);
  }
  const next = path.join(dir, '..data_tmp');
  symlinkSync(path.basename(version), next);
  renameSync(next, path.join(dir, '..data'));
  const there = new Set(readdirSync(dir));
  for (const name of Object.keys(files))
    if (!there.has(name)) symlinkSync(path.join('..data', name), path.join(dir, name));
}

/** A volume of a claim: root's, and writable for the group. */
export function makeFolder(dir: string, fsGroup: number): void {
  mkdirSync(dir, { recursive: true });
  chownSync(dir, 0, fsGroup);
  chmodSync(dir, 0o2775);
}
