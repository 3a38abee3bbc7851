import { UserFacingError } from '../base/user-facing-error.ts';
import { buildpackName } from '../buildpack/layout.ts';
import { asMapping, typesInProcfile } from '../buildpack/procfile.ts';
import { exitCodes } from '../contract/config/exit-codes.ts';

/** The other processes of the app that are visible to supply; those of later buildpacks are not. */
export interface StagedNeighbours {
  /** The text of the app's Procfile, if it has one. */
  readonly procfile: string | undefined;
  /** The buildpacks before this one. */
  readonly earlier: readonly EarlierBuildpack[];
}

export interface EarlierBuildpack {
  /** Its folder, such as `deps/0`. */
  readonly folder: string;
  /** The text of its launch.yml and config.yml, if it has them. */
  readonly launch: string | undefined;
  readonly config: string | undefined;
}

/**
 * Finds reasons why a successfully staged app would still get no sidecar: processes with the sidecar's name, since the platform
 * merges by name and the last one wins, and a folder in which the platform does not look for launch.yml.
 */
export function findLostSidecar(neighbours: StagedNeighbours, depsIdx: string): UserFacingError[] {
  const twins = neighbours.earlier.filter(isThisBuildpack);
  const others = neighbours.earlier.filter((each) => !isThisBuildpack(each));
  const places = [
    ...(typesInProcfile(neighbours.procfile ?? '').includes(buildpackName) ? ['the Procfile'] : []),
    ...others
      .filter(({ launch }) => typesInLaunchYml(launch).includes(buildpackName))
      .map(({ folder }) => `${folder}/launch.yml`),
  ];
  return [...twins.map(listedTwice), ...places.map(nameTaken), ...(/^0\d/.test(depsIdx) ? [notLookedAt(depsIdx)] : [])];
}

/** The types of `sidecarFor` that a Procfile does not contain; empty without a Procfile. */
export function typesWithoutProcess(neighbours: StagedNeighbours, sidecarFor: readonly string[]): string[] {
  if (neighbours.procfile === undefined) return [];
  const known = [
    ...typesInProcfile(neighbours.procfile),
    ...neighbours.earlier.flatMap(({ launch }) => typesInLaunchYml(launch)),
  ];
  return sidecarFor.filter((type) => !known.includes(type));
}

function listedTwice({ folder }: EarlierBuildpack): UserFacingError {
  return new UserFacingError({
    id: 'supply/order/twice',
    found: `This buildpack is listed twice: ${folder} holds a sidecar already`,
    expected: 'The platform keeps one process of each name, and the droplet would contain the runtime twice.',
    next: ['Name it once, before the final buildpack.'],
    exitCode: exitCodes.configuration,
  });
}

function nameTaken(place: string): UserFacingError {
  return new UserFacingError({
    id: 'supply/launch/name-taken',
    found: `A process named \`${buildpackName}\` is already in ${place}`,
    expected:
      'The platform keeps one process of each name, so one of the two would be lost, and no error would say so.',
    next: ['Rename that process.'],
    exitCode: exitCodes.configuration,
  });
}

function notLookedAt(depsIdx: string): UserFacingError {
  return new UserFacingError({
    id: 'supply/order/ten-buildpacks',
    found: `DEPS_IDX is ${depsIdx}, so this app has ten buildpacks or more`,
    expected: `The platform then looks for launch.yml in deps/${Number(depsIdx)}, finds none, and starts no sidecar.`,
    next: ['Push with nine buildpacks or fewer.'],
    exitCode: exitCodes.configuration,
  });
}

function isThisBuildpack({ config }: EarlierBuildpack): boolean {
  return asMapping(config)['name'] === buildpackName;
}

function typesInLaunchYml(text: string | undefined): readonly string[] {
  const { processes } = asMapping(text);
  return Array.isArray(processes)
    ? processes.flatMap((each: { readonly type?: string } | null) => each?.type ?? [])
    : [];
}
