import { UserFacingError } from '../base/user-facing-error.ts';
import { runScript } from './run-script.ts';

/**
 * Packs a droplet as the platform stores it: everything below its directory, in one .tgz, for `cf push --droplet`.
 * @throws UserFacingError `stage/droplet/archive`.
 */
export async function packDroplet(dropletDir: string, file: string, environment: NodeJS.ProcessEnv): Promise<void> {
  let said = '';
  const listen = (chunk: Uint8Array): void => {
    said += Buffer.from(chunk).toString();
  };
  // The platform unpacks as its own user, so the owner of the files does not matter.
  const reason = await runScript({
    file: 'tar',
    args: ['-czf', file, '--owner=0', '--group=0', '--numeric-owner', '-C', dropletDir, '.'],
    env: { PATH: environment['PATH'] ?? '/usr/bin:/bin' },
    cwd: '/',
    output: { stdout: listen, stderr: listen },
  });
  if (reason === undefined) return;
  throw new UserFacingError({
    id: 'stage/droplet/archive',
    found: `The droplet was not packed into ${file}: ${said.trim() || reason}`,
    next: ['Give a place that can be written to, with room for the droplet, and have tar and gzip on PATH.'],
    exitCode: 74,
  });
}
