import { parseDurationMs } from '../../base/time/duration.ts';
import { ErrorList, UserFacingError } from '../../base/user-facing-error.ts';
import type { InputMessage } from '../../conformance/input.ts';
import type { Expectations } from '../../conformance/scenario.ts';
import type { Grant } from '../../contract/wire/topics/grants.ts';
import { patternProblem, topicProblem } from '../../contract/wire/topics/topic.ts';
import { usageExitCode } from '../command.ts';

export interface ClaimFlags {
  readonly grant: readonly string[];
  readonly message: readonly string[];
  readonly strict: boolean;
  readonly timeout: string;
}

/** Reads the expectations from the options. @throws ErrorList with every problem, with the usage exit code. */
export function readClaims({ grant, message, strict, timeout }: ClaimFlags): Expectations {
  const errors: UserFacingError[] = [];
  const claims = {
    grants: grant.map((text) => grantOf(text, errors)),
    messages: message.map((text) => inputOf(text, errors)),
    isStrict: strict,
    stepTimeoutMs: parseDurationMs(timeout) ?? 0,
  };
  if (claims.stepTimeoutMs === 0) {
    errors.push(
      new UserFacingError({
        id: 'conformance/timeout/format',
        found: `--timeout is "${timeout}"`,
        next: ['Write a duration such as 500ms or 10s.'],
        exitCode: usageExitCode,
      }),
    );
  }
  if (errors.length > 0) throw new ErrorList(errors);
  return claims;
}

function grantOf(text: string, errors: UserFacingError[]): Grant {
  const [action, pattern = ''] = text.split(':', 2);
  const fault = patternProblem(pattern);
  if ((action === 'publish' || action === 'subscribe') && fault === undefined) return { action, pattern };
  errors.push(
    new UserFacingError({
      id: 'conformance/grant/format',
      found: `--grant is "${text}"${fault === undefined ? '' : `, whose pattern ${fault}`}`,
      next: ['Write it as publish:PATTERN or subscribe:PATTERN, such as --grant publish:platform.signal.*'],
      exitCode: usageExitCode,
    }),
  );
  return { action: 'publish', pattern };
}

function inputOf(text: string, errors: UserFacingError[]): InputMessage {
  const at = text.indexOf('=');
  const topic = text.slice(0, Math.max(at, 0));
  const fault = topicProblem(topic);
  if (at > 0 && fault === undefined) return { topic, payload: Buffer.from(text.slice(at + 1)) };
  errors.push(
    new UserFacingError({
      id: 'conformance/message/format',
      found: `--message is "${text}"${at > 0 ? `, whose topic ${fault}` : ''}`,
      next: ['Write it as TOPIC=PAYLOAD, such as --message \'platform.data.eod={"price":1}\''],
      exitCode: usageExitCode,
    }),
  );
  return { topic, payload: new Uint8Array() };
}
