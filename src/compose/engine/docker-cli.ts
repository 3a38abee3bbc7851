import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { UserFacingError } from '../../base/user-facing-error.ts';
import type { CallDocker } from './docker.ts';

/**
 * Calls the `docker` of the PATH. It finds contexts, TLS and SSH as Compose does, which is built from the same code.
 * @throws UserFacingError `compose/docker/missing`.
 */
export function dockerCommand(environment: Readonly<Record<string, string | undefined>>): CallDocker {
  return (args, { onLine, signal, environment: more } = {}) =>
    new Promise((resolve, reject) => {
      const child = spawn('docker', args, {
        env: { ...environment, DOCKER_CLI_HINTS: 'false', ...more },
        stdio: ['ignore', 'pipe', 'pipe'],
        ...(signal && { signal }),
      });
      const texts = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'] as const) {
        child[name].setEncoding('utf8').on('data', (text: string) => {
          texts[name] += text;
        });
        if (onLine) createInterface({ input: child[name] }).on('line', onLine);
      }
      child.once('error', (error: NodeJS.ErrnoException) => {
        if (error.name === 'AbortError') resolve({ exitCode: abortedExitCode, ...texts });
        else reject(error.code === 'ENOENT' ? dockerMissing() : error);
      });
      child.once('close', (code) => resolve({ exitCode: code ?? abortedExitCode, ...texts }));
    });
}

/** The exit code with which a shell reports SIGTERM. */
const abortedExitCode = 143;

function dockerMissing(): UserFacingError {
  return new UserFacingError({
    id: 'compose/docker/missing',
    found: 'there is no `docker` on the PATH of Compose',
    expected: 'The provider reaches the engine through it.',
    next: ['Install the Docker CLI, or add its folder to the PATH.'],
  });
}
