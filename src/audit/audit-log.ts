import type { Writable } from 'node:stream';
import { LineFile } from '../base/log/line-file.ts';
import type { Log } from '../base/log/log.ts';
import { LineStream } from '../base/output/line-stream.ts';
import { messageOf, UserFacingError } from '../base/user-facing-error.ts';
import { exitCodes } from '../contract/config/exit-codes.ts';

/** The destination of audit lines. Writing never waits and never fails. Lost lines are counted and logged. */
export interface AuditLog {
  readonly linesLost: number;
  write(line: string): void;
  /** Reopens the file after it was moved. */
  reopen(): void;
  close(): Promise<void>;
}

export interface AuditLogOptions {
  /** A file path, or `-` for stdout. */
  readonly place: string;
  /** How the user set it, such as `SIDECAR_AUDIT_LOG`. */
  readonly setting: string;
  readonly log: Log;
  readonly stdout: Writable;
}

const pendingBytesMax = 4 * 1024 * 1024;

/** Opens the audit log. @throws UserFacingError with exit code 78 if the file cannot be opened. */
export async function openAuditLog({ place, setting, log, stdout }: AuditLogOptions): Promise<AuditLog> {
  const onLost = (lines: number): void => log.warn('the audit log has lost lines', { file: place, lines });
  if (place === '-') return auditTo(new LineStream(stdout, onLost));
  try {
    return await LineFile.open({
      path: place,
      pendingBytesMax,
      onFailure: (reason) => log.warn('the audit log cannot be written, and lines are lost', { file: place, reason }),
      onLost,
    });
  } catch (error) {
    throw new UserFacingError({
      id: 'config/audit-log/unwritable',
      found: `${setting} names ${place}, which cannot be opened: ${messageOf(error)}`,
      expected: 'It must be a file that can be created or appended to, or `-` for stdout.',
      next: [`Name a file in an existing folder that this user may write, or unset ${setting}.`],
      exitCode: exitCodes.configuration,
    });
  }
}

function auditTo(lines: LineStream): AuditLog {
  return {
    get linesLost() {
      return lines.linesLost;
    },
    write: (line) => lines.write(line),
    reopen() {},
    async close() {},
  };
}
