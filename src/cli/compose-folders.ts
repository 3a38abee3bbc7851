import { mkdirSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { type Environment, readVariable } from '../contract/config/environment.ts';

/** Where the provider keeps journal, locks and logs: the user's state folder; where that cannot be written, a temporary one. */
export function stateFolder(environment: Environment): string {
  const base = readVariable(environment, 'XDG_STATE_HOME') ?? path.join(homedir(), '.local/state');
  const folder = path.join(base, 'meridian-sidecar/compose');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  } catch {
    return path.join(tmpdir(), `meridian-sidecar-${userInfo().uid}`, 'compose');
  }
}

/** Where Docker's command line keeps its configuration and its plugins. */
export function dockerFolder(environment: Environment): string {
  return readVariable(environment, 'DOCKER_CONFIG') ?? path.join(homedir(), '.docker');
}
