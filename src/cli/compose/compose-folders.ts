import { accessSync, constants } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { makeFolders } from '../../base/files/make-folders.ts';
import { messageOf, UserFacingError } from '../../base/user-facing-error.ts';
import { type Environment, readVariable } from '../../contract/config/environment.ts';

/**
 * The folder of the provider's journal, locks and logs: the user's state folder, or a temporary one when that is not writable.
 */
export function stateFolder(environment: Environment): string {
  const base = readVariable(environment, 'XDG_STATE_HOME') ?? path.join(homedir(), '.local/state');
  const folder = path.join(base, 'meridian-sidecar/compose');
  const instead = path.join(tmpdir(), `meridian-sidecar-${userInfo().uid}`, 'compose');
  const reasons: string[] = [];
  for (const each of [folder, instead]) {
    try {
      makeFolders(each, 0o700);
      accessSync(each, constants.W_OK | constants.X_OK);
      return each;
    } catch (error) {
      reasons.push(messageOf(error));
    }
  }
  throw new UserFacingError({
    id: 'compose/state/folder',
    found: `neither ${folder} nor ${instead} can be written to: ${reasons.join('; ')}`,
    expected: 'The provider keeps its journal and its locks there.',
    next: ['Name a folder that can be written to with XDG_STATE_HOME or TMPDIR.'],
    exitCode: 74,
  });
}

/** The folder of the configuration and plugins of Docker's command line. */
export function dockerFolder(environment: Environment): string {
  return readVariable(environment, 'DOCKER_CONFIG') ?? path.join(homedir(), '.docker');
}
