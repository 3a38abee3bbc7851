import path from 'node:path';
import fs from 'fs-extra';
import { readTextFile, textFileBytesMax, UnfitFileError } from '../base/files/read-text-file.ts';
import { writeInside } from '../base/files/write-inside.ts';
import { UserFacingError } from '../base/user-facing-error.ts';
import { depsPaths } from '../buildpack/layout.ts';
import { type Environment, readVariable } from '../contract/config/environment.ts';
import { exitCodes } from '../contract/config/exit-codes.ts';
import type { ConfigFile } from '../contract/config/settings/config-file.ts';
import type { EarlierBuildpack, StagedNeighbours } from './preflight.ts';
import type { PlannedFile, SupplyPlan } from './supply-plan.ts';

/** The directories that the platform passes to supply, and the buildpack's own. */
export interface SupplyDirectories {
  readonly buildpackDir: string;
  readonly buildDir: string;
  readonly depsDir: string;
  readonly depsIdx: string;
}

/** Reads the app's other processes that exist so far. */
export async function readNeighbours({ buildDir, depsDir, depsIdx }: SupplyDirectories): Promise<StagedNeighbours> {
  const others = (await guard(fs.readdir(depsDir))).filter(
    (name) => /^\d+$/.test(name) && Number(name) < Number(depsIdx),
  );
  const earlier: EarlierBuildpack[] = [];
  for (const name of others.sort()) {
    earlier.push({
      folder: `deps/${name}`,
      launch: await readIfThere(path.join(depsDir, name, depsPaths.launch), depsDir),
      config: await readIfThere(path.join(depsDir, name, depsPaths.config), depsDir),
    });
  }
  return { procfile: await readIfThere(path.join(buildDir, 'Procfile'), buildDir), earlier };
}

/** Reads the file of the app that SIDECAR_CONFIG names; undefined when it does not exist, or its path is absolute. */
export async function readConfigFileOfApp(
  { buildDir }: SupplyDirectories,
  environment: Environment,
): Promise<ConfigFile | undefined> {
  const named = readVariable(environment, 'SIDECAR_CONFIG');
  if (named === undefined || path.isAbsolute(named)) return undefined;
  const text = await readIfThere(path.join(buildDir, named), buildDir);
  return text === undefined ? undefined : { path: named, text };
}

/** Carries out the plan. launch.yml is written last in deps/<idx>: because of it the platform starts a sidecar. */
export async function carryOut(plan: SupplyPlan, directories: SupplyDirectories): Promise<void> {
  const { buildpackDir, buildDir, depsDir, depsIdx } = directories;
  const inOwn = (file: PlannedFile): PlannedFile => ({ ...file, path: path.join(depsIdx, file.path) });
  for (const { from, to } of plan.vendored) {
    // Read and written, not copied: a copy would keep the modes of the package, which may be read-only.
    const text = await guard(fs.readFile(path.join(buildpackDir, from), 'utf8'));
    await guard(writeInside(depsDir, inOwn({ path: to, text, mode: 0o644 })));
  }
  for (const file of plan.appFiles) await writeIntoApp(buildDir, file);
  for (const file of plan.depsFiles) await guard(writeInside(depsDir, inOwn(file)));
}

/** Replaces the file of an earlier staging; refuses to replace the app's own file of that name. */
async function writeIntoApp(buildDir: string, file: PlannedFile): Promise<void> {
  const [mark = ''] = file.text.split('\n', 1);
  const found = await readIfThere(path.join(buildDir, file.path), buildDir);
  if (found !== undefined && !found.startsWith(`${mark}\n`)) throw ownFileOfApp(file.path);
  await guard(writeInside(buildDir, file));
}

async function readIfThere(file: string, within: string): Promise<string | undefined> {
  return guard(
    readTextFile(file, { within }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    }),
  );
}

/** An error of the file system is a fact about the given directories, not a bug. */
async function guard<T>(operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    if (error instanceof UnfitFileError) throw unfitFile(error);
    const { code, syscall, path: where } = error as NodeJS.ErrnoException;
    throw new UserFacingError({
      id: 'supply/files/refused',
      found: `${where ?? 'A file'} cannot be used: ${syscall ?? 'an operation'} ended with ${code ?? String(error)}`,
      expected: 'BUILD_DIR and DEPS_DIR must be readable and writable, and the buildpack readable.',
      next: ['Check the owner, the modes and the free space of that path.'],
      exitCode: exitCodes.usage,
    });
  }
}

function unfitFile({ message }: UnfitFileError): UserFacingError {
  return new UserFacingError({
    id: 'supply/files/unfit',
    found: `${message}; supply neither reads nor writes it`,
    expected: `It must be a file within its folder, of ${textFileBytesMax} bytes at most.`,
    next: ['Replace it, or remove it from what is pushed.'],
    exitCode: exitCodes.configuration,
  });
}

function ownFileOfApp(name: string): UserFacingError {
  return new UserFacingError({
    id: 'supply/files/taken',
    found: `The app has a file ${name} of its own`,
    expected: 'Supply writes its profile script under that name, and overwrites nothing of the app.',
    next: ['Rename the file of the app.'],
    exitCode: exitCodes.configuration,
  });
}
