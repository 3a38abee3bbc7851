import type { Log } from './log.ts';
import { FaultList, messageOf, UserFacingError } from './user-facing-error.ts';

/** Logs anything caught, one line per fault; only an error that is our own bug shows its stack. */
export function logError(log: Log, error: unknown): void {
  if (error instanceof FaultList) {
    for (const fault of error.faults) logError(log, fault);
  } else if (error instanceof UserFacingError) {
    const { id, expected, next, cause } = error;
    const causedBy = cause === undefined ? undefined : messageOf(cause);
    log.error(error.message, { id, expected, next: next.join(' '), caused_by: causedBy });
  } else {
    log.error(messageOf(error), { bug: true, stack: error instanceof Error ? error.stack : undefined });
  }
}
