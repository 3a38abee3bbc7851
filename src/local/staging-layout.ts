import { createHash } from 'node:crypto';
import path from 'node:path';

/** One buildpack of a staging, with its directories. */
export interface StagedBuildpack {
  readonly dir: string;
  /** Its name in result.json. */
  readonly key: string;
  readonly depsIdx: string;
  readonly cacheDir: string;
}

/**
 * The directories of a staging. The droplet runs elsewhere later, so a staging path that was written into it shows as a
 * failure.
 */
export interface StagingLayout {
  readonly workDir: string;
  readonly buildDir: string;
  readonly homeDir: string;
  /** Becomes the droplet. */
  readonly contentsDir: string;
  readonly depsDir: string;
  readonly profileDir: string;
  readonly cacheRoot: string;
  readonly buildpacks: readonly StagedBuildpack[];
}

/** Determines every directory of a staging; it creates none. */
export function stagingLayout(options: {
  readonly workDir: string;
  readonly cacheRoot: string;
  /** In order, the final one last. */
  readonly buildpackDirs: readonly string[];
}): StagingLayout {
  const { workDir, cacheRoot, buildpackDirs } = options;
  const contentsDir = path.join(workDir, 'contents');
  return {
    workDir,
    buildDir: path.join(workDir, 'app'),
    homeDir: path.join(workDir, 'home'),
    contentsDir,
    depsDir: path.join(contentsDir, 'deps'),
    profileDir: path.join(contentsDir, 'profile.d'),
    cacheRoot,
    buildpacks: buildpackDirs.map((dir, index) => ({
      dir,
      key: path.basename(dir),
      depsIdx: depsIndex(index, buildpackDirs.length),
      cacheDir: path.join(cacheRoot, index === buildpackDirs.length - 1 ? 'final' : cacheName(dir)),
    })),
  };
}

/** The index of a buildpack: padded with zeros when there are ten buildpacks or more. */
export function depsIndex(index: number, buildpackCount: number): string {
  return String(index).padStart(String(buildpackCount).length, '0');
}

// The platform hashes a buildpack's key with xxHash. A buildpack can see only that the name is stable and unique.
function cacheName(dir: string): string {
  return createHash('sha256').update(dir).digest('hex').slice(0, 16);
}
