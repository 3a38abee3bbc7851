import { UserFacingError } from '../base/user-facing-error.ts';

/** The exit codes of Cloud Foundry's builder. */
const platformExitCodes = { compile: 223, release: 224, supply: 225, finalize: 223 } as const;

const platformMessages = {
  supply: 'Failed to run all supply scripts',
  finalize: 'Failed to compile droplet: Failed to run finalize script',
  compile: 'Failed to compile droplet',
  release: 'Failed to build droplet release',
} as const;

/** The platform prints this when the last buildpack has compile only. Sidecars and profile scripts of the others still work. */
export const withoutFinalize =
  'Warning: the last buildpack is not compatible with multi-buildpack apps and cannot make use of any dependencies supplied by the buildpacks specified before it\n';

export type StagingPhase = keyof typeof platformMessages;

/** A failed script, in the platform's words and with the platform's exit code. */
export function scriptFailure(phase: StagingPhase, buildpackDir: string, reason: string): UserFacingError {
  return new UserFacingError({
    id: `stage/${phase}/failed`,
    found: `${platformMessages[phase]}: ${reason}`,
    expected: `bin/${phase} of ${buildpackDir} ended this way; Cloud Foundry shows the same line.`,
    next: ['Read what the buildpack printed above.'],
    exitCode: platformExitCodes[phase],
  });
}

/** The final buildpack's own supply counts as part of compiling the droplet. */
export function finalSupplyFailure(buildpackDir: string, reason: string): UserFacingError {
  return new UserFacingError({
    id: 'stage/supply/failed',
    found: `Failed to compile droplet: Failed to run all supply scripts: ${reason}`,
    expected: `bin/supply of ${buildpackDir}, the final buildpack, ended this way.`,
    next: ['Read what the buildpack printed above.'],
    exitCode: platformExitCodes.compile,
  });
}

export function notSupplying(buildpackDir: string): UserFacingError {
  return new UserFacingError({
    id: 'stage/buildpack/no-supply',
    found: `${buildpackDir} has no bin/supply`,
    expected: 'Every buildpack but the last must have one; only the last may do without.',
    next: ['Name the final buildpack last.'],
    exitCode: platformExitCodes.supply,
  });
}

export function notABuildpack(buildpackDir: string): UserFacingError {
  return new UserFacingError({
    id: 'stage/buildpack/no-bin',
    found: `${buildpackDir} is not a directory with a bin/ in it, so it is not a buildpack`,
    next: ['Give the directory of an unpacked buildpack: -b DIR.'],
    exitCode: platformExitCodes.supply,
  });
}

export function noBuildpacks(names: readonly string[]): UserFacingError {
  const named = names.length === 0 ? '' : ` manifest.yml names ${names.join(', ')}, which only a platform can look up.`;
  return new UserFacingError({
    id: 'stage/buildpack/none',
    found: 'No buildpack directory was given',
    expected: `On one machine buildpacks are directories.${named}`,
    next: ['Give each in order, the final one last: meridian-sidecar stage APP --out DIR -b DIR -b DIR.'],
    exitCode: 64,
  });
}

export function notAnApp(appDir: string): UserFacingError {
  return new UserFacingError({
    id: 'stage/app/directory',
    found: `${appDir} is not a directory that can be read`,
    next: ['Give the directory of the app.'],
    exitCode: 64,
  });
}

/** A file of the app or of the staging that is neither read nor copied; `reason` names it. */
export function unfitFile(reason: string): UserFacingError {
  return new UserFacingError({
    id: 'stage/files/unfit',
    found: reason,
    expected: 'Only files, folders and links within the app can be staged and run.',
    next: ['Replace it, or remove it from the folder.'],
    exitCode: 64,
  });
}

export function outUnwritable(outDir: string, reason: string): UserFacingError {
  return new UserFacingError({
    id: 'stage/out/unwritable',
    found: `--out ${outDir} cannot be written to: ${reason}`,
    next: ['Give a folder that can be made and written to.'],
    exitCode: 74,
  });
}

export function outInsideApp(outDir: string): UserFacingError {
  return new UserFacingError({
    id: 'stage/out/inside-app',
    found: `--out ${outDir} lies inside the app`,
    expected: 'The app is copied into it, so it must be elsewhere.',
    next: ['Give another directory.'],
    exitCode: 64,
  });
}
