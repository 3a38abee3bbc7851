import { readTextFile } from '../../base/files/read-text-file.ts';
import type { Log } from '../../base/log/log.ts';
import type { Scheduler, Timer } from '../../base/time/scheduler.ts';
import { watchChanges } from '../../base/time/watch-changes.ts';
import { messageOf, UserFacingError } from '../../base/user-facing-error.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { type Policy, parsePolicy } from '../access/policy.ts';

/** A policy with its source text. */
export interface PolicyText {
  readonly text: string;
  readonly policy: Policy;
}

/** @throws UserFacingError if the file cannot be read, ErrorList if it is not a valid policy. The exit code is 78. */
export async function readPolicy(path: string): Promise<PolicyText> {
  const text = await readPolicyText(path);
  return { text, policy: parsePolicy({ path, text }) };
}

async function readPolicyText(path: string): Promise<string> {
  return await readTextFile(path).catch((error: unknown) => {
    throw new UserFacingError({
      id: 'bus/policy/unreadable',
      found: `the policy file ${path} cannot be read: ${messageOf(error)}`,
      next: ['Name an existing YAML file with --policy.'],
      exitCode: exitCodes.configuration,
    });
  });
}

/** Logs each rule that allows its principals to register and nothing else. */
export function warnOfEmptyRules({ rules }: Policy, log: Log): void {
  for (const [index, { grants, principals }] of rules.entries()) {
    if (grants.length > 0) continue;
    log.warn('a rule of the policy grants nothing: it has neither `publish` nor `subscribe`', {
      rule: `rules[${index}]`,
      principals: principals.join(', '),
    });
  }
}

export interface PolicyWatch {
  readonly path: string;
  readonly initial: PolicyText;
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly replace: (policy: Policy) => void;
}

/**
 * Reads the file every second and applies a changed policy. An invalid one is logged once, with its problems. The former policy then stays.
 */
export function watchPolicy({ path, initial, scheduler, log, replace }: PolicyWatch): Timer {
  return watchChanges({
    scheduler,
    initial: initial.text,
    read: () => readPolicyText(path),
    use(text) {
      const policy = parsePolicy({ path, text });
      log.info('the policy file changed', { rules: policy.rules.length, deployment: policy.deploymentId });
      warnOfEmptyRules(policy, log);
      replace(policy);
    },
    onUnusable: (reason) => log.warn('the changed policy is not used', { reason }),
  });
}
