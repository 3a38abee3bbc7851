import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { UserFacingError } from '../base/user-facing-error.ts';
import { packagePaths } from '../buildpack/layout.ts';
import { type BuiltContent, sbomOf } from './build.ts';
import { type MadePackage, madePackage } from './made-package.ts';
import { downloadsTable, type PackagedManifest, type PackageVariant, packageManifest } from './packaged-manifest.ts';
import { writeZip, type ZipEntry } from './zip-file.ts';

export interface PackageOptions extends PackageVariant {
  /** Root of the checkout, with dist/ built. */
  readonly root: string;
  /** The contents that the build put into dist/. */
  readonly content: BuiltContent;
  /** Receives the zip. */
  readonly outDir: string;
}

/**
 * Makes one buildpack zip of a built checkout; the same checkout gives the same bytes.
 * @throws UserFacingError for a stack that manifest.yml does not have, or a missing file that it lists.
 */
export async function makePackage(options: PackageOptions): Promise<MadePackage> {
  const { content, outDir } = options;
  const manifest = packageManifest(content.manifestText, { ...content, ...options });
  const file = path.join(outDir, manifest.fileName);
  await writeZip(file, await entriesOf(options, manifest));
  return madePackage(file);
}

async function entriesOf(options: PackageOptions, manifest: PackagedManifest): Promise<ZipEntry[]> {
  const { root, cached, content } = options;
  const runtime = cached ? content.runtime : manifest.downloads;
  const rewritten = new Map<string, string>([
    [packagePaths.manifest, manifest.text],
    [packagePaths.sbom, sbomOf(content, runtime)],
    [packagePaths.downloads, downloadsTable(manifest.downloads)],
  ]);
  return Promise.all(
    manifest.includeFiles.map(async (name) => {
      const text = rewritten.get(name);
      return text === undefined
        ? await readEntry(root, name)
        : { path: name, bytes: Buffer.from(text), executable: false };
    }),
  );
}

async function readEntry(root: string, name: string): Promise<ZipEntry> {
  const file = path.join(root, name);
  const { mode } = await stat(file).catch((cause: unknown) => {
    throw new UserFacingError({
      id: 'packager/files/missing',
      found: `${name} is in include_files of manifest.yml, and not in the checkout`,
      next: ['Run `npm run build`, or correct the list.'],
      cause,
    });
  });
  return { path: name, bytes: await readFile(file), executable: (mode & 0o100) !== 0 };
}
