import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { inject } from 'vitest';
import { type AppManifest, parseAppManifest } from '../../src/local/app-manifest.ts';
import { readTextIfPresent } from '../../src/local/droplet-files.ts';
import { platformStagingEnvironment } from './platform-variables.ts';
import { type GivenBuildpack, type RealOutcome, stageWithBuilder } from './real-builder.ts';
import { type BuildpackName, type CaseName, dirOf, own, type StagingCase, stagingCase } from './staging-cases.ts';

export type Staged = RealOutcome & { readonly workDir: string; readonly manifest: AppManifest };

const staged = new Map<CaseName, Promise<Staged>>();

/** What the real builder made of a case, with this buildpack as a directory; staged once for all tests. */
export function stagedCase(name: CaseName): Promise<Staged> {
  const found = staged.get(name) ?? stageCase(stagingCase(name), (each) => ({ key: each, dir: dirOf(each) }));
  staged.set(name, found);
  return found;
}

/** Stages with this buildpack from its zip. */
export function stageFromZip(one: StagingCase): Promise<Staged> {
  const { packageFile } = inject('lifecycle');
  return stageCase(one, (name) => (name === own ? { zipFile: packageFile } : { key: name, dir: dirOf(name) }));
}

async function stageCase(
  { appDir, buildpacks, needs }: StagingCase,
  given: (name: BuildpackName) => GivenBuildpack,
): Promise<Staged> {
  const manifest = await manifestOf(appDir);
  const needed = Object.entries((await needs?.()) ?? {});
  const place = (name: string): string => `/opt/fixture/${name.toLowerCase()}`;
  const workDir = await mkdtemp(path.join(inject('lifecycle').scratchDir, 'staging-'));
  const outcome = await stageWithBuilder({
    workDir,
    appDir,
    buildpacks: buildpacks.map(given),
    env: {
      ...platformStagingEnvironment(manifest),
      ...Object.fromEntries(needed.map(([name]) => [name, place(name)])),
    },
    mounts: Object.fromEntries(needed.map(([name, source]) => [place(name), source])),
  });
  return { ...outcome, workDir, manifest };
}

async function manifestOf(appDir: string): Promise<AppManifest> {
  return parseAppManifest(await readTextIfPresent(path.join(appDir, 'manifest.yml')), path.basename(appDir));
}
