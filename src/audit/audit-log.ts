import type { Writable } from 'node:stream';
import { LineFile } from '../base/log/line-file.ts';
import type { Log } from '../base/log/log.ts';
import { LineStream } from '../base/output/line-stream.ts';
import { randomBelow } from '../base/random.ts';
import type { Scheduler } from '../base/time/scheduler.ts';
import { messageOf, UserFacingError } from '../base/user-facing-error.ts';
import { exitCodes } from '../contract/config/exit-codes.ts';
import { AuditChain } from './audit-chain.ts';
import { isoTime } from './audit-line.ts';
import { lastChainOf } from './last-chain.ts';

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
  /** Whose lines these are: an instance id, or `bus`. */
  readonly writer: string;
  readonly scheduler: Pick<Scheduler, 'wallTimeNs' | 'random'>;
  readonly log: Log;
  readonly stdout: Writable;
}

const pendingBytesMax = 4 * 1024 * 1024;

/**
 * Opens the audit log, and begins the chain of its lines with one that names the writer and what the file ended with.
 * @throws UserFacingError with exit code 78 if the file cannot be opened.
 */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  const { place, writer, scheduler, log } = options;
  const digits = Array.from({ length: 16 }, () => randomBelow(scheduler.random, 16).toString(16));
  const chain = new AuditChain(digits.join(''));
  const mark = (point: string, facts: Readonly<Record<string, unknown>>): void =>
    lines.write(JSON.stringify({ time: isoTime(scheduler.wallTimeNs()), point, ...facts }));
  const after = place === '-' ? '' : await lastChainOf(place).catch(() => '');
  const lines = await openLines(options, chain, (count) => {
    log.warn('the audit log has lost lines', { file: place, lines: count });
    mark('lost', { lines: count });
  });
  mark('open', { writer, ...(after !== '' && { after }) });
  return {
    get linesLost() {
      return lines.linesLost;
    },
    write: (line) => lines.write(line),
    reopen: () => lines.reopen(),
    async close() {
      mark('close', { writer });
      await lines.close();
      log.info('the audit log is closed', { file: place, run: chain.run, ...chain.head });
    },
  };
}

async function openLines(
  { place, setting, log, stdout }: AuditLogOptions,
  chain: AuditChain,
  onLost: (lines: number) => void,
): Promise<AuditLog> {
  const seal = (line: string): string => chain.seal(line);
  if (place === '-') return auditTo(new LineStream(stdout, onLost, seal));
  try {
    return await LineFile.open({
      path: place,
      pendingBytesMax,
      seal,
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
