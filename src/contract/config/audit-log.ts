import { LineFile } from '../../base/line-file.ts';
import type { Log } from '../../base/log.ts';
import { messageOf, UserFacingError } from '../../base/user-facing-error.ts';
import { exitCodes } from './exit-codes.ts';

/** Where audit lines go. Writing never waits and never fails; what is lost is counted and logged. */
export interface AuditLog {
  readonly linesLost: number;
  write(line: string): void;
  /** Opens the file again, after it was moved away. */
  reopen(): void;
  close(): Promise<void>;
}

export interface AuditLogOptions {
  /** A file path, or `-` for stdout. */
  readonly place: string;
  /** What the user set it with, such as `SIDECAR_AUDIT_LOG`. */
  readonly setting: string;
  readonly log: Log;
  readonly writeStdout: (line: string) => void;
}

const pendingBytesMax = 4 * 1024 * 1024;

/** Opens the audit log. @throws UserFacingError with exit code 78 when the file cannot be opened. */
export async function openAuditLog({ place, setting, log, writeStdout }: AuditLogOptions): Promise<AuditLog> {
  if (place === '-') return { linesLost: 0, write: writeStdout, reopen() {}, async close() {} };
  try {
    return await LineFile.open({
      path: place,
      pendingBytesMax,
      onFailure: (reason) => log.warn('the audit log cannot be written, and lines are lost', { file: place, reason }),
      onLost: (lines) => log.warn('the audit log has lost lines', { file: place, lines }),
    });
  } catch (error) {
    throw new UserFacingError({
      id: 'config/audit-log/unwritable',
      found: `${setting} names ${place}, which cannot be opened: ${messageOf(error)}`,
      expected: 'It must be a file that can be appended to or made, or `-` for stdout.',
      next: [`Name a file in an existing folder that this user may write, or unset ${setting}.`],
      exitCode: exitCodes.configuration,
    });
  }
}
