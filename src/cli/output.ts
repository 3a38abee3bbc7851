import { exitCodeOf, messageOf, renderError, UserFacingError } from '../base/user-facing-error.ts';
import { exitCodes } from '../contract/config/exit-codes.ts';

/**
 * Problems with the output do not end a command. When the reader is gone, the command continues silently. When its result
 * cannot be written, it ends with 74. For the entry files.
 */
export function watchOutput(): void {
  let isTold = false;
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `head` has read enough.
    if (error.code === 'EPIPE' || isTold) return;
    isTold = true;
    const failure = outputFailed(error);
    process.stderr.write(`${renderError(failure)}\n`);
    process.exitCode = exitCodeOf(failure);
  });
}

function outputFailed(error: Error): UserFacingError {
  return new UserFacingError({
    id: 'cli/output/unwritable',
    found: `stdout cannot be written: ${messageOf(error)}`,
    expected: 'What this command prints is not whole.',
    next: ['Make room where its output goes, or send it elsewhere, and try again.'],
    exitCode: exitCodes.unresolved,
  });
}
