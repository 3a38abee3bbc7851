import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAppManifest } from '../../src/local/app-manifest.ts';
import { copyApp } from '../../src/local/droplet-files.ts';
import { stagingEnvironment } from '../../src/local/platform-environment.ts';
import { namedBuildpacks, type RealStaging } from './real-lifecycle.ts';

export const appDir = path.resolve(import.meta.dirname, '../../fixtures/node-plugin');

export async function readManifest(): Promise<ReturnType<typeof parseAppManifest>> {
  return parseAppManifest(await readFile(path.join(appDir, 'manifest.yml'), 'utf8'), 'node-plugin');
}

/** What the real builder needs to stage the fixture with this buildpack and the fixtures' final one. */
export async function pluginStaging(workDir: string): Promise<RealStaging> {
  const buildDir = path.join(workDir, 'app');
  await copyApp(appDir, buildDir);
  const manifest = await readManifest();
  const env = stagingEnvironment({ manifest, homeDir: workDir, env: { FIXTURE_NODE: process.execPath } });
  return { workDir, buildDir, buildpackDirs: await namedBuildpacks(workDir), env };
}
