import { UserFacingError } from '../../base/user-facing-error.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { approvalCommand } from '../../contract/wire/topics/approval-command.ts';
import type { Grant, WithheldGrant } from '../../contract/wire/topics/grants.ts';
import { busUnreachable } from '../../sidecar/lifecycle/startup-errors.ts';
import type { RpcError } from '../../transport/status.ts';
import { usageExitCode } from '../command.ts';

/** Who the command is for the bus. */
export interface ShellIdentity {
  readonly instanceId: string;
  readonly poolType: string;
}

/** The bus does not answer; a failure that has a remedy of its own, such as a certificate's, stays as it is. */
export function unreachable(address: string, error: RpcError): UserFacingError {
  const known = busUnreachable(address, error);
  if (known.id !== 'sidecar/startup/bus-unreachable') return known;
  return new UserFacingError({
    id: 'shell/bus/unreachable',
    found: known.message,
    next: ['Name the address of a running bus with --bus or SIDECAR_BUS_API_URL.'],
    exitCode: exitCodes.busUnreachable,
  });
}

export function registrationRefused({ instanceId, poolType }: ShellIdentity, error: RpcError): UserFacingError {
  return new UserFacingError({
    id: 'shell/registration/refused',
    found: `the bus refused the registration: ${error.message}`,
    expected: `A rule of the policy has to allow your credential as an instance such as ${instanceId} of the pool type ${poolType}.`,
    next: [
      'Have a rule added with `instances: ["shell-*"]`, `pools: [Shell]`, and the topics of `publish` and `subscribe`.',
      'Or name with --instance and --pool what a rule allows already. The id must be one that no plugin uses.',
    ],
    exitCode: exitCodes.refused,
  });
}

export function grantDenied(
  identity: ShellIdentity,
  grant: Grant,
  withheld: WithheldGrant | undefined,
): UserFacingError {
  const reason = withheld?.reason === undefined || withheld.reason === '' ? '' : ` (${withheld.reason})`;
  return new UserFacingError({
    id: 'shell/grant/denied',
    found: `the policy of the bus does not let ${identity.instanceId} of ${identity.poolType} ${grant.action} ${grant.pattern}${reason}`,
    next: [
      `See what would allow it: meridian-sidecar bus grants explain ${identity.instanceId} ${grant.action} '${grant.pattern}'`,
      `Add the topic to \`${grant.action}\` of a rule of the policy.`,
      `If it was revoked, approve it again: ${approvalCommand(identity.instanceId, [grant])}`,
    ],
    exitCode: exitCodes.refused,
  });
}

export function grantUndecided({ instanceId }: ShellIdentity, grant: Grant, waitedMs: number): UserFacingError {
  return new UserFacingError({
    id: 'shell/grant/undecided',
    found: `no administrator decided within ${waitedMs} ms on ${grant.action} ${grant.pattern}`,
    next: [
      `Have it approved, and run this again with --instance ${instanceId}: ${approvalCommand(instanceId, [grant])}`,
    ],
    exitCode: exitCodes.grantsUndecided,
  });
}

export function superseded(instanceId: string): UserFacingError {
  return new UserFacingError({
    id: 'shell/session/superseded',
    found: `another program registered as ${instanceId}, and this command ended for it`,
    next: ['Give each command an id of its own with --instance, or leave the option out.'],
    exitCode: exitCodes.refused,
  });
}

/** `problem` completes the sentence, such as `is empty`. */
export function wrongTopic(kind: 'topic' | 'pattern', text: string, problem: string): UserFacingError {
  return new UserFacingError({
    id: 'shell/arguments/topic',
    found: `the ${kind} ${JSON.stringify(text)} ${problem}`,
    expected:
      'A topic is segments of A-Z a-z 0-9 _ - with dots between; in a pattern a segment may be *, and the last one **.',
    next: [`Correct the ${kind}, and quote a pattern, since the shell replaces a star by file names.`],
    exitCode: usageExitCode,
  });
}

/** A field over its limit, which is found before anything is sent. */
export function overLimit(error: RpcError): UserFacingError {
  return new UserFacingError({
    id: 'shell/arguments/over-limit',
    found: error.message,
    next: ['Shorten it.'],
    exitCode: usageExitCode,
  });
}
