import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import type { StagingResult } from '../../src/local/staging-result.ts';

const root = path.resolve(import.meta.dirname, '../..');
// One for each worker of the test runner: a program that runs in one of them cannot be written by another.
const toolsDir = path.join(root, 'build/lifecycle', process.env['VITEST_POOL_ID'] ?? '0');

/** Cloud Foundry's own launcher. */
export const launcherFile = path.join(toolsDir, 'launcher');

/** Builds Cloud Foundry's builder and launcher at the versions of go.mod, into a folder of build/lifecycle. */
export function buildLifecycle(): void {
  // The module has no go.mod, so Go takes it for code of its version 1.16, which it is not.
  const language = '-gcflags=code.cloudfoundry.org/buildpackapplifecycle/...=-lang=go1.25';
  const args = [
    'build',
    '-mod=readonly',
    '-trimpath',
    '-buildvcs=false',
    language,
    '-o',
    `${toolsDir}${path.sep}`,
    'tool',
  ];
  execFileSync('go', args, { cwd: import.meta.dirname, stdio: ['ignore', 'inherit', 'inherit'] });
}

export interface RealStaging {
  readonly workDir: string;
  /** The builder writes into it. */
  readonly buildDir: string;
  readonly buildpackDirs: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Stages with Cloud Foundry's own builder; returns its result.json and where the droplet was unpacked. */
export async function stageWithBuilder(staging: RealStaging): Promise<{ result: StagingResult; dropletDir: string }> {
  const at = (name: string): string => path.join(staging.workDir, name);
  await mkdir(at('buildpacks'), { recursive: true });
  for (const dir of staging.buildpackDirs) {
    // The builder looks a buildpack up under the hash of its key: xxHash first, then the older MD5, which Node can make.
    const hash = createHash('md5').update(path.basename(dir)).digest('hex');
    await symlink(dir, path.join(at('buildpacks'), hash));
  }
  await mkdir(at('tmp'));
  const flags = [
    `-buildDir=${staging.buildDir}`,
    `-buildpacksDir=${at('buildpacks')}`,
    `-buildpacksDownloadDir=${at('downloads')}`,
    `-buildArtifactsCacheDir=${at('cache')}`,
    `-outputBuildArtifactsCache=${at('cache.tgz')}`,
    `-outputDroplet=${at('droplet.tgz')}`,
    `-outputMetadata=${at('real-result.json')}`,
    `-buildpackOrder=${staging.buildpackDirs.map((dir) => path.basename(dir)).join(',')}`,
    '-skipDetect=true',
  ];
  const env = { ...staging.env, TMPDIR: at('tmp') };
  execFileSync(path.join(toolsDir, 'builder'), flags, { env, stdio: ['ignore', 'inherit', 'inherit'] });
  const dropletDir = at('droplet');
  await mkdir(dropletDir);
  execFileSync('tar', ['-xzf', at('droplet.tgz'), '-C', dropletDir]);
  return { result: JSON.parse(await readFile(at('real-result.json'), 'utf8')) as StagingResult, dropletDir };
}

/** Directories that carry a buildpack's name, as the platform's do: this repository, and the final one of the fixtures. */
export async function namedBuildpacks(workDir: string): Promise<string[]> {
  const named = path.join(workDir, 'named');
  await mkdir(named);
  const sources = { meridian_sidecar: root, fixture_final: path.join(root, 'fixtures/final-buildpack') };
  if (!existsSync(path.join(root, 'dist/supply.mjs'))) throw new Error('dist/ is not built; run `npm run build`');
  return await Promise.all(
    Object.entries(sources).map(async ([name, source]) => {
      const dir = path.join(named, name);
      await symlink(source, dir);
      return dir;
    }),
  );
}
