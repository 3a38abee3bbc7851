import { parse } from 'yaml';
import { UserFacingError } from '../base/user-facing-error.ts';
import { buildpackName } from '../buildpack/layout.ts';
import { exitCodes } from '../contract/config/exit-codes.ts';

/** What supply can see of the other processes of the app. */
export interface StagedNeighbours {
  /** The text of the app's Procfile, if it has one. */
  readonly procfile: string | undefined;
  /** The launch.yml of the buildpacks before this one. */
  readonly launchFiles: readonly { readonly path: string; readonly text: string }[];
}

/**
 * Finds processes of the sidecar's name. The platform merges by name and the last one wins, so that a Procfile line would
 * silently replace the sidecar, and the sidecar another buildpack's process.
 */
export function findNameCollisions(neighbours: StagedNeighbours): UserFacingError[] {
  const inProcfile = neighbours.procfile !== undefined && typesInProcfile(neighbours.procfile).includes(buildpackName);
  const places = neighbours.launchFiles.filter(({ text }) => typesInLaunchYml(text).includes(buildpackName));
  return [...(inProcfile ? ['the Procfile'] : []), ...places.map(({ path }) => path)].map(collision);
}

function collision(place: string): UserFacingError {
  return new UserFacingError({
    id: 'supply/launch/name-taken',
    found: `A process named \`${buildpackName}\` is already in ${place}`,
    expected: 'The platform keeps one process of a name, so one of the two would be lost without a word.',
    next: ['Rename that process, or name this buildpack once only.'],
    exitCode: exitCodes.configuration,
  });
}

function typesInProcfile(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => /^\s*([A-Za-z0-9_-]+)\s*:/.exec(line)?.[1] ?? []);
}

/** Of a file that is not understood nothing is said: it belongs to another buildpack, and the platform will judge it. */
function typesInLaunchYml(text: string): readonly string[] {
  try {
    const launch = parse(text) as { readonly processes?: readonly { readonly type?: string }[] } | null;
    return (launch?.processes ?? []).flatMap(({ type }) => type ?? []);
  } catch {
    return [];
  }
}
