import { createReadStream } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { boundedLines } from '../../audit/verify/bounded-lines.ts';
import { type AuditFile, type KnownHead, verifyAudit } from '../../audit/verify/verify.ts';
import { messageOf, UserFacingError } from '../../base/user-facing-error.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { usageExitCode } from '../command.ts';
import { verdictText } from './verdict-text.ts';

interface Flags {
  readonly head: readonly KnownHead[];
  readonly json: boolean;
}

/** `meridian-sidecar audit verify FILE…`. */
export function addAuditCommand(program: Command): void {
  const audit = program.command('audit').description('check the audit logs of sidecars and buses');
  audit
    .command('verify')
    .description('find what was changed, cut or added in audit logs, and the messages that a point of theirs lacks')
    .argument('<files...>', 'the logs of all points that are there, rotated ones too, in any order; - is stdin')
    .option('--head <run:seq:chain>', 'a line whose hash was kept elsewhere; may be repeated', addHead, [])
    .option('--json', 'print JSON', false)
    .addHelpText('after', '\nEnds with 0 if nothing is wrong, and with 65 if something is.')
    .action(async (names: readonly string[], { head, json }: Flags) => {
      const verdict = await verifyAudit(names.map(open), head);
      process.stdout.write(
        json ? `${JSON.stringify(verdict, null, 2)}\n` : verdictText(verdict, process.stdout.columns),
      );
      if (verdict.runs.length === 0) throw nothing(names);
      if (verdict.findings.length > 0) process.exitCode = exitCodes.auditBroken;
    });
}

function open(name: string): AuditFile {
  const parts = name === '-' ? process.stdin.setEncoding('utf8') : createReadStream(name, 'utf8');
  return { name, lines: readable(name, boundedLines(parts)) };
}

async function* readable(name: string, lines: AsyncIterable<string>): AsyncGenerator<string> {
  try {
    yield* lines;
  } catch (error) {
    throw new UserFacingError({
      id: 'audit/verify/unreadable',
      found: `${name} cannot be read: ${messageOf(error)}`,
      next: ['Name the audit logs that sidecars and buses have written, as a user that may read them.'],
      exitCode: usageExitCode,
    });
  }
}

function addHead(text: string, heads: readonly KnownHead[]): KnownHead[] {
  const [, run, seq, chain] = /^([0-9a-f]{16}):(\d{1,15}):([\w-]{43})$/.exec(text) ?? [];
  if (run === undefined || chain === undefined) {
    throw new InvalidArgumentError('It must be RUN:SEQ:CHAIN, as the line of the log has them.');
  }
  return [...heads, { run, seq: Number(seq), chain }];
}

function nothing(names: readonly string[]): UserFacingError {
  return new UserFacingError({
    id: 'audit/verify/no-chain',
    found: `there is no line of a chain in ${names.join(', ')}`,
    expected: 'Each line that a sidecar or a bus writes has `run`, `seq` and `chain`.',
    next: ['Name the files of SIDECAR_AUDIT_LOG and of `bus --audit`.'],
    exitCode: exitCodes.auditBroken,
  });
}
