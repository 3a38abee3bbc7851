import { wrapText } from '../base/output/wrapped-text.ts';
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
    process.exitCode = printError(failure);
  });
}

/** Prints anything caught to stderr, wrapped at the width of a terminal. @returns the exit code. */
export function printError(error: unknown): number {
  process.stderr.write(`${wrapText(renderError(error), process.stderr.columns)}\n`);
  return exitCodeOf(error);
}

function outputFailed(error: Error): UserFacingError {
  return new UserFacingError({
    id: 'cli/output/unwritable',
    found: `stdout cannot be written: ${messageOf(error)}`,
    expected: 'The output of this command is incomplete.',
    next: ['Free space where the output goes, or redirect it, and try again.'],
    exitCode: exitCodes.unresolved,
  });
}
