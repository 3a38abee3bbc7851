import { ErrorList, messageOf, renderError, UserFacingError } from '../user-facing-error.ts';
import { createLog, type Log } from './log.ts';

/** Logs anything caught, one line per error. Only a bug of our own shows its stack. */
export function logError(log: Log, error: unknown): void {
  if (error instanceof ErrorList) {
    for (const fault of error.errors) logError(log, fault);
  } else if (error instanceof UserFacingError) {
    const { id, expected, next, cause } = error;
    const causedBy = cause === undefined ? undefined : messageOf(cause);
    log.error(error.message, { id, expected, next: next.join(' '), caused_by: causedBy });
  } else {
    log.error(messageOf(error), { bug: true, stack: error instanceof Error ? error.stack : undefined });
  }
}

export interface FailureOutput {
  readonly format: 'text' | 'json';
  readonly write: (line: string) => void;
  readonly wallTimeNs: () => bigint;
}

/** Writes why a program ends: for a person, or as log lines for a program that reads all lines as JSON. */
export function writeFailure(error: unknown, { format, write, wallTimeNs }: FailureOutput): void {
  if (format === 'text') write(renderError(error));
  else logError(createLog({ level: 'error', format, write, wallTimeNs }), error);
}
