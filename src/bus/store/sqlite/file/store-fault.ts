import { messageOf, UserFacingError } from '../../../../base/user-facing-error.ts';
import { exitCodes } from '../../../../contract/config/exit-codes.ts';

/** SQLite's primary result codes; https://sqlite.org/rescode.html. */
const resultCodes = { busy: 5, ioError: 10, corrupt: 11, full: 13, constraint: 19, notDatabase: 26 } as const;

/** An integer of the file is too large for its column. No number that the store counts can become that large. */
const datatypeConstraint = 3_091;

/** The file contains data that the store did not write. SQLite itself may not notice it. */
export class StoreDamagedError extends Error {
  override readonly name = 'StoreDamagedError';
}

/** Whether the disk was full, as opposed to the store's own limit. */
export function isDiskFull(error: unknown): boolean {
  return primaryResultCode(error) === resultCodes.full;
}

/**
 * Whether the error means that the file can no longer be trusted. A full disk loses nothing, a broken constraint concerns one command, and an
 * error from elsewhere says nothing about the file.
 */
export function endsTheStore(error: unknown): boolean {
  if (isDamage(error)) return true;
  const code = primaryResultCode(error);
  return code !== undefined && code !== resultCodes.full && code !== resultCodes.constraint;
}

/** Why the store cannot be opened or cannot continue, for a person. */
export function storeFault(path: string, error: unknown, isOpen: boolean): UserFacingError {
  if (error instanceof UserFacingError) return error;
  const reason = messageOf(error);
  const code = primaryResultCode(error);
  if (code === resultCodes.busy) {
    return new UserFacingError({
      id: 'bus/store/locked',
      found: `another process has ${path} open`,
      next: ['Stop the other bus, or give this one a file of its own with --store.'],
      exitCode: exitCodes.configuration,
    });
  }
  if (code === resultCodes.notDatabase) {
    return new UserFacingError({
      id: 'bus/store/not-a-database',
      found: `${path} is not an SQLite database`,
      next: ['If it was the store, restore a backup; otherwise name another file with --store.'],
      exitCode: exitCodes.unresolved,
    });
  }
  if (isDamage(error)) {
    return new UserFacingError({
      id: 'bus/store/damaged',
      found: `the store ${path} is damaged: ${reason}`,
      next: [
        `Move ${path} and the files whose names begin with it away, and restore a backup; docs/bus.md says how.`,
        'Check the disk that it was on.',
      ],
      exitCode: exitCodes.unresolved,
    });
  }
  if (code === resultCodes.full) {
    return new UserFacingError({
      id: 'bus/store/disk-full',
      found: `the disk of ${path} is full`,
      next: ['Free space on it, then start the bus again. What was answered is stored.'],
      exitCode: exitCodes.unresolved,
    });
  }
  if (isOpen || code === resultCodes.ioError) {
    return new UserFacingError({
      id: 'bus/store/failed',
      found: `the store ${path} failed: ${reason}`,
      next: ['Check the disk, then start the bus again. What was answered is stored; other outcomes are unknown.'],
      exitCode: exitCodes.unresolved,
    });
  }
  return new UserFacingError({
    id: 'bus/store/unusable',
    found: `the store ${path} cannot be opened: ${reason}`,
    next: ['Name a file with --store in a directory that exists and that this user may write.'],
    exitCode: exitCodes.unresolved,
  });
}

function isDamage(error: unknown): boolean {
  const isOurs = error instanceof StoreDamagedError;
  return isOurs || primaryResultCode(error) === resultCodes.corrupt || resultCodeOf(error) === datatypeConstraint;
}

/** The lowest byte of an extended code is the primary one. */
function primaryResultCode(error: unknown): number | undefined {
  const code = resultCodeOf(error);
  return code === undefined ? undefined : code & 0xff;
}

function resultCodeOf(error: unknown): number | undefined {
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === 'number' ? errcode : undefined;
}
