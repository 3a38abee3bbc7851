import { ownBytes } from '../base/bytes.ts';
import { messageOf, UserFacingError } from '../base/user-facing-error.ts';
import { exitCodes } from '../contract/config/exit-codes.ts';
import { StartAt } from '../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { Envelope } from '../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { limits } from '../contract/wire/limits.ts';
import { patternProblem } from '../contract/wire/topics/topic.ts';
import type { AddCommand } from './command.ts';
import { interruption, writeOut } from './shell/interruption.ts';
import { messageJson, messageLine, printable } from './shell/message-text.ts';
import { RecentMessages } from './shell/recent-messages.ts';
import { wrongTopic } from './shell/shell-errors.ts';
import { countUpTo, identityOf, type ShellFlags, withShellFlags } from './shell/shell-flags.ts';
import { ShellSession } from './shell/shell-session.ts';
import { startTimeNs } from './shell/start-time.ts';

interface SubFlags extends ShellFlags {
  readonly last?: number;
  readonly from?: bigint;
  readonly count?: number;
}

const lastMax = 10_000;
const countMax = 1_000_000_000;
/** The bus forgets the cursor so long after the command has ended, however it ends. Until then a lost connection can be resumed. */
const idleExpiryS = 30;
const credit = { messages: limits.creditMessages, bytes: limits.creditBytes };

/** `meridian-sidecar sub`: prints the messages of a pattern, one in a line, until an interrupt. */
export const addSubCommand: AddCommand = (program) => {
  withShellFlags(program.command('sub').description('print the messages of a pattern until Ctrl-C, one in a line'))
    .argument('<pattern>', 'a topic or a pattern, in quotes')
    .option('--last <number>', 'begin with the last messages that the bus retains', countUpTo(lastMax))
    .option('--from <time>', 'begin at a time: 10m ago, or 2026-01-31T12:00:00Z', startTimeNs)
    .option('--count <number>', 'end after so many messages', countUpTo(countMax))
    .action(async (pattern: string, flags: SubFlags) => {
      const problem = patternProblem(pattern);
      if (problem !== undefined) throw wrongTopic('pattern', pattern, problem);
      const stop = interruption();
      const options = {
        identity: identityOf(flags),
        bus: flags.bus,
        environment: process.env,
        grant: { action: 'subscribe', pattern },
      } as const;
      await ShellSession.run(options, stop, (session) => printMessages(session, pattern, flags, stop));
    });
};

/** Resolves at an interrupt, or after the last message. */
async function printMessages(
  session: ShellSession,
  pattern: string,
  flags: SubFlags,
  stop: AbortSignal,
): Promise<void> {
  const over = Promise.withResolvers<void>();
  stop.addEventListener('abort', () => over.resolve(), { once: true });
  let left = flags.count ?? Number.POSITIVE_INFINITY;
  let written: Promise<void> = Promise.resolve();
  const show = (messages: readonly Envelope[]): void => {
    const shown = messages.slice(0, left);
    left -= shown.length;
    const isLast = left === 0;
    written = written.then(async () => {
      for (const message of shown) {
        if (!stop.aborted) await writeOut(flags.json ? messageJson(message) : messageLine(message), stop);
      }
      if (isLast) over.resolve();
    });
  };
  const { scheduler } = session;
  const recent = flags.last === undefined ? undefined : new RecentMessages({ count: flags.last, scheduler, show });
  const { subscription } = session.subscriptions.add(requestOf(pattern, flags), credit, {
    opened() {
      process.stderr.write(`listening to ${pattern}; Ctrl-C ends this\n`);
      recent?.opened();
    },
    deliver({ envelope, position, creditBytes: bytes }) {
      const message = envelope && { ...envelope, payload: ownBytes(envelope.payload) };
      if (message && recent) recent.take(message);
      else if (message) show([message]);
      // The bus sends more only when these are written, however slow the reader is.
      void written.then(() => {
        subscription.acknowledge([position]);
        subscription.addCredit({ messages: 1, bytes });
      });
    },
    acknowledged() {},
    ended: (status) => over.reject(subscriptionEnded(pattern, status)),
  });
  await over.promise;
}

function requestOf(pattern: string, { last, from }: SubFlags) {
  const isFromNow = last === undefined && from === undefined;
  return {
    name: 'shell',
    pattern,
    idleExpiryS,
    startAt: isFromNow ? StartAt.NEW : StartAt.TIME,
    startTimeNs: from ?? 0n,
  };
}

function subscriptionEnded(pattern: string, error: Error): UserFacingError {
  return new UserFacingError({
    id: 'shell/subscription/ended',
    found: `the bus ended the subscription to ${pattern}: ${printable(messageOf(error))}`,
    next: ['Act on the reason, and subscribe again.'],
    exitCode: exitCodes.refused,
  });
}
