import { chmodSync, cpSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeFolders } from '../../base/files/make-folders.ts';
import { messageOf, UserFacingError } from '../../base/user-facing-error.ts';
import { version } from '../../base/version.ts';
import { withholdRuntimeVariables } from '../../buildpack/runtime-variables.ts';

export interface Installation {
  readonly dockerFolder: string;
  /** The folder with the bundles and the context of the image. */
  readonly programs: string;
  /** The Node that runs this program. */
  readonly runtime: string;
  readonly binFolder?: string;
}

/** The files that the provider needs at run time. */
const parts = ['compose.mjs', 'compose-program.mjs', 'cli.mjs', 'sidecar.mjs', 'Dockerfile', '.dockerignore', 'image'];

/**
 * Copies programs and runtime, and writes launchers that do not use the PATH, because Compose may be called with any.
 * @throws UserFacingError `compose/install/bundles`.
 */
export function installProvider({ dockerFolder, programs, runtime, binFolder }: Installation) {
  const missing = parts.filter((part) => !existsSync(path.join(programs, part)));
  if (missing.length > 0) throw notBuilt(programs, missing);
  const folder = path.join(path.resolve(dockerFolder), 'meridian-sidecar', version);
  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  makeFolder(fresh);
  for (const part of parts) cpSync(path.join(programs, part), path.join(fresh, part), { recursive: true });
  cpSync(runtime, path.join(fresh, 'node'), { dereference: true });
  chmodSync(path.join(fresh, 'node'), 0o755);
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
  const plugin = path.join(path.resolve(dockerFolder), 'cli-plugins/docker-meridian-sidecar');
  const launchers = [
    plugin,
    ...(binFolder === undefined ? [] : [path.join(path.resolve(binFolder), 'meridian-sidecar')]),
  ];
  for (const launcher of launchers) writeLauncher(launcher, folder);
  return { launchers, folder };
}

/** Replaced atomically: Compose may be calling the old one. */
function writeLauncher(file: string, folder: string): void {
  makeFolder(path.dirname(file));
  writeFileSync(`${file}.new`, launcherText(folder), { mode: 0o755 });
  renameSync(`${file}.new`, file);
}

function makeFolder(folder: string): void {
  try {
    makeFolders(folder);
  } catch (error) {
    throw new UserFacingError({
      id: 'compose/install/folder',
      found: `the folder ${folder} cannot be made: ${messageOf(error)}`,
      next: ["Name a folder that can be written to: DOCKER_CONFIG is where Docker's configuration and plugins are."],
      exitCode: 74,
    });
  }
}

function launcherText(folder: string): string {
  const home = `'${folder.replaceAll("'", String.raw`'\''`)}'`;
  return `#!/bin/bash -p
# What a project sets for its own programs must not reach this one: a module that it loads could write to stdout.
${withholdRuntimeVariables}
home=${home}
case "\${1:-}" in
  compose | docker-cli-plugin-metadata) exec "$home/node" "$home/compose.mjs" "$@" ;;
esac
exec "$home/node" "$home/cli.mjs" "$@"
`;
}

function notBuilt(programs: string, missing: readonly string[]): UserFacingError {
  return new UserFacingError({
    id: 'compose/install/bundles',
    found: `${programs} lacks ${missing.join(', ')}`,
    expected: 'This command installs the programs that `npm run build` makes.',
    next: ['Run `npm run build`, and then `npm run -s meridian-sidecar -- compose install`.'],
  });
}
