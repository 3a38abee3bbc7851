import { aborted } from '../base/async/aborted.ts';
import { within } from '../base/async/within.ts';
import { UserFacingError } from '../base/user-facing-error.ts';
import { exitCodes } from '../contract/config/exit-codes.ts';
import { topicProblem } from '../contract/wire/topics/topic.ts';
import type { AddCommand } from './command.ts';
import { interruptedExitCode, interruption } from './shell/interruption.ts';
import { jsonLine, printable } from './shell/message-text.ts';
import { readPayload } from './shell/payload.ts';
import { PublishTotals } from './shell/publish-totals.ts';
import { wrongTopic } from './shell/shell-errors.ts';
import { countUpTo, identityOf, type ShellFlags, withShellFlags } from './shell/shell-flags.ts';
import { ShellSession } from './shell/shell-session.ts';

interface PubFlags extends ShellFlags {
  readonly count: number;
  readonly type: string;
  readonly dedupKey: string;
}

const countMax = 1_000_000;
/** How many publishes may wait for an answer at once, and how many bytes of payloads. */
const windowMax = { messages: 64, bytes: 8 * 1024 * 1024 };

/** How long an interrupted command waits for the answers to what it has sent. */
const answerTimeoutMs = 1_000;

/** `meridian-sidecar pub`: publishes one message, once or many times, and says what became of it. */
export const addPubCommand: AddCommand = (program) => {
  withShellFlags(
    program.command('pub').description('publish a message from the shell; exit 77 when the bus refuses it'),
  )
    .argument('<topic>', 'the topic')
    .argument('[payload]', 'its payload; -, or none, for all of stdin', '-')
    .option('--count <number>', 'how many times to publish it', countUpTo(countMax), 1)
    .option('--type <type>', 'type of the payload, such as application/json', '')
    .option(
      '--dedup-key <key>',
      'a second message with this key, on this topic and by this instance, is not stored',
      '',
    )
    .action(async (topic: string, argument: string, flags: PubFlags) => {
      const problem = topicProblem(topic);
      if (problem !== undefined) throw wrongTopic('topic', topic, problem);
      const stop = interruption();
      const payload = await readPayload(argument, stop);
      if (payload === undefined) {
        process.exitCode = interruptedExitCode;
        return;
      }
      await publishAll(topic, payload, flags, stop);
    });
};

async function publishAll(topic: string, payload: Uint8Array, flags: PubFlags, stop: AbortSignal): Promise<void> {
  const totals = new PublishTotals();
  const options = {
    identity: identityOf(flags),
    bus: flags.bus,
    environment: process.env,
    grant: { action: 'publish', pattern: topic },
  } as const;
  await ShellSession.run(options, stop, async (session) => {
    const fields = { topic, payload, payloadType: flags.type, dedupKey: flags.dedupKey };
    const fitting = Math.floor(windowMax.bytes / Math.max(1, payload.length));
    let begun = 0;
    const publishSome = async (): Promise<void> => {
      while (begun < flags.count && !stop.aborted) {
        begun += 1;
        totals.add(await session.publish(fields));
      }
    };
    const all = Promise.all(Array.from({ length: Math.min(windowMax.messages, fitting, flags.count) }, publishSome));
    await Promise.race([all, aborted(stop).then(() => within(session.scheduler, answerTimeoutMs, all))]);
    const reason = 'interrupted before the bus answered';
    for (let open = begun - totals.ended; open > 0; open -= 1) totals.add({ kind: 'unknown', reason });
  });
  process.stdout.write(flags.json ? jsonLine({ topic, ...totals.report() }) : `${totals.sentence(flags.count)}\n`);
  const failure = failureOf(totals, flags.count);
  if (failure) throw failure;
  if (totals.ended < flags.count) process.exitCode = interruptedExitCode;
}

function failureOf(totals: PublishTotals, count: number): UserFacingError | undefined {
  const reasons = printable(totals.reasons().join('; '));
  if (totals.refused > 0) {
    return new UserFacingError({
      id: 'shell/publish/refused',
      found: `${totals.refused} of ${count} messages were refused: ${reasons}`,
      expected: 'A refused message is not stored.',
      next: ['Act on the reason, and publish again what was refused.'],
      exitCode: exitCodes.refused,
    });
  }
  if (totals.unknown === 0) return undefined;
  return new UserFacingError({
    id: 'shell/publish/unknown',
    found: `of ${totals.unknown} of ${count} messages it is not known whether they are stored: ${reasons}`,
    next: ['Publish them again when a message may come twice. With --dedup-key and the same --instance it does not.'],
    exitCode: exitCodes.unresolved,
  });
}
