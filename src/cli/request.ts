import { InvalidArgumentError } from 'commander';
import { aborted } from '../base/async/aborted.ts';
import { parseDurationMs } from '../base/time/duration.ts';
import { UserFacingError } from '../base/user-facing-error.ts';
import { exitCodes } from '../contract/config/exit-codes.ts';
import { type CallEnding, callEndingOf } from '../contract/wire/call-ending.ts';
import { limits } from '../contract/wire/limits.ts';
import { topicProblem } from '../contract/wire/topics/topic.ts';
import type { CallReport } from '../sidecar/bus-link/calls.ts';
import type { AddCommand } from './command.ts';
import { interruptedExitCode, interruption, writeOut } from './shell/interruption.ts';
import { jsonLine, payloadFields, printable, textOf } from './shell/message-text.ts';
import { readPayload } from './shell/payload.ts';
import { wrongTopic } from './shell/shell-errors.ts';
import { identityOf, type ShellFlags, withShellFlags } from './shell/shell-flags.ts';
import { ShellSession } from './shell/shell-session.ts';

interface RequestFlags extends ShellFlags {
  readonly type: string;
  readonly timeout: number;
}

/** `meridian-sidecar request`: asks the responder of a topic, and prints the payload of its answer. */
export const addRequestCommand: AddCommand = (program) => {
  withShellFlags(program.command('request').description('ask the responder of a topic, and print its answer'))
    .argument('<topic>', 'the topic')
    .argument('[payload]', 'payload of the request; - for all of stdin', '')
    .option('--type <type>', 'type of the payload, such as application/json', '')
    .option('--timeout <duration>', 'how long to wait for the answer', timeoutMs, 5_000)
    .action(async (topic: string, argument: string, flags: RequestFlags) => {
      const problem = topicProblem(topic);
      if (problem !== undefined) throw wrongTopic('topic', topic, problem);
      const stop = interruption();
      const payload = await readPayload(argument, stop);
      const report = payload && (await ask(topic, payload, flags, stop));
      if (report) await print(topic, report, flags, stop);
      else process.exitCode = interruptedExitCode;
    });
};

function ask(topic: string, payload: Uint8Array, flags: RequestFlags, stop: AbortSignal) {
  const options = {
    identity: identityOf(flags),
    bus: flags.bus,
    environment: process.env,
    grant: { action: 'publish', pattern: topic },
  } as const;
  return ShellSession.run(options, stop, (session) =>
    Promise.race([
      session.request({ topic, payload, payloadType: flags.type }, flags.timeout),
      aborted(stop).then(() => undefined),
    ]),
  );
}

async function print(topic: string, report: CallReport, flags: RequestFlags, stop: AbortSignal): Promise<void> {
  const { outcome, payload, payloadType, detail } = report;
  const { name } = callEndingOf(outcome);
  if (flags.json) {
    const answer = name === 'answered' ? { payloadType, ...payloadFields(payload) } : { detail };
    process.stdout.write(jsonLine({ topic, outcome: name, ...answer }));
  }
  if (name !== 'answered') throw failureOf(topic, name, printable(detail));
  if (!flags.json) await writeOut(process.stdout.isTTY ? shownAnswer(payload) : payload, stop);
}

/** A terminal must not obey an answer. A program gets it as it is. */
function shownAnswer(payload: Uint8Array): string {
  const text = textOf(payload);
  if (text === undefined) return `base64:${Buffer.from(payload).toString('base64')}\n`;
  return `${text.split('\n').map(printable).join('\n').trimEnd()}\n`;
}

function failureOf(topic: string, ending: Exclude<CallEnding, 'answered'>, detail: string): UserFacingError {
  switch (ending) {
    case 'refused':
      return new UserFacingError({
        id: 'shell/request/refused',
        found: `the request to ${topic} was refused: ${detail}`,
        next: ['Act on the reason, and ask again.'],
        exitCode: exitCodes.refused,
      });
    case 'no_handler':
      return new UserFacingError({
        id: 'shell/request/no-handler',
        found: `nobody answers requests on ${topic}: ${detail}`,
        next: ['Start the plugin that serves this topic, or correct the topic.'],
        exitCode: exitCodes.noHandler,
      });
    case 'timeout':
      return new UserFacingError({
        id: 'shell/request/timeout',
        found: `no answer from ${topic}: ${detail}`,
        expected: 'The request may have been handled all the same.',
        next: ['Wait longer with --timeout, or look in the log of the plugin that serves this topic.'],
        exitCode: exitCodes.grantsUndecided,
      });
    case 'handler_error':
      return new UserFacingError({
        id: 'shell/request/handler-error',
        found: `the plugin that serves ${topic} failed: ${detail}`,
        next: ['Look in the log of that plugin.'],
        exitCode: exitCodes.pluginFaulted,
      });
  }
}

function timeoutMs(text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms > 0 && ms <= limits.callTimeoutMsMax) return ms;
  throw new InvalidArgumentError(`It must be a duration above zero such as 5s, at most ${limits.callTimeoutMsMax} ms.`);
}
