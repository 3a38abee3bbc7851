import { createHash } from 'node:crypto';
import path from 'node:path';

/** One buildpack of a staging, with the directories it is given. */
export interface StagedBuildpack {
  readonly dir: string;
  /** Its name in result.json. */
  readonly key: string;
  readonly depsIdx: string;
  readonly cacheDir: string;
}

/** Where a staging happens; nothing of it is where the droplet runs later, so a path baked in at staging shows. */
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

/** Decides every directory of a staging; it touches none. */
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

/** The index that a buildpack is given: padded with zeros from ten buildpacks on. */
export function depsIndex(index: number, buildpackCount: number): string {
  return String(index).padStart(String(buildpackCount).length, '0');
}

// The platform hashes a buildpack's key with xxHash; all that a buildpack can see is that the name is stable and its own.
function cacheName(dir: string): string {
  return createHash('sha256').update(dir).digest('hex').slice(0, 16);
}
