import { approvalCommand } from '../../contract/wire/topics/approval-command.ts';
import { type Grant, nearestHint } from '../../contract/wire/topics/grants.ts';
import {
  type AccessDecision,
  allowingRule,
  contains,
  type EvaluatedGrant,
  type NamedRule,
  overlaps,
  rulesFor,
} from '../access/access-decision.ts';
import type { Registration } from '../ownership/registration.ts';
import type { GrantDesk } from './grant-desk.ts';

export interface Explanation {
  readonly admitted: boolean;
  /** The rule or decision that allows it, or the reason against it with the nearest grant. */
  readonly reason: string;
  /** What would allow it. Empty if it is allowed. */
  readonly needed: string;
}

/** Explains why an instance may or may not act on a topic or a whole pattern. `registration` is present if the instance is registered. */
export function explainAccess(
  desk: GrantDesk,
  { instanceId, wanted }: { readonly instanceId: string; readonly wanted: Grant },
  registration: Registration | undefined,
): Explanation {
  const rules = rulesFor(desk.policy, { ...registration, instanceId });
  if (!registration) return explainAbsent(desk, instanceId, wanted, rules);
  const { access } = registration;
  const doing = `${wanted.action} ${wanted.pattern}`;
  const admitting = access.judged.find((grant) => grant.standing === 'granted' && contains(grant, wanted));
  if (admitting) {
    return { admitted: true, reason: `${instanceId} may ${doing}: it has ${describe(admitting)}`, needed: '' };
  }
  const refusal = `${instanceId} may not ${doing}`;
  const nearest = nearestHint(access.granted, wanted.action, wanted.pattern);
  const withheld = access.judged.find((grant) => grant.standing !== 'granted' && contains(grant, wanted));
  if (withheld && withheld.standing !== 'denied') {
    const reason = `${refusal}: what it asks for, ${describe(withheld)}; ${nearest}`;
    return { admitted: false, reason, needed: approvalCommand(instanceId, [withheld]) };
  }
  const allowing = allowingRule(rules, wanted);
  if (allowing) {
    const reason = `${refusal}: ${allowing.name} allows it, but the instance does not ask for it; ${nearest}`;
    return {
      admitted: false,
      reason,
      needed: 'name it in the REQUESTED_GRANTS of the instance and restart the instance',
    };
  }
  const reason = `${refusal}: no policy rule allows it; of its grants, ${nearest}; ${nearestInPolicy(wanted, rules)}`;
  return { admitted: false, reason, needed: ruleFor(wanted, rules) };
}

/** The result of policy and decisions for an instance that is not registered, for any principal that it may have. */
function explainAbsent(desk: GrantDesk, instanceId: string, wanted: Grant, rules: readonly NamedRule[]): Explanation {
  const refusal = `${instanceId} is not registered and may not ${wanted.action} ${wanted.pattern}`;
  const allowing = allowingRule(rules, wanted);
  if (!allowing) {
    const reason = `${refusal}: no policy rule for this instance id allows it; ${nearestInPolicy(wanted, rules)}`;
    return { admitted: false, reason, needed: ruleFor(wanted, rules) };
  }
  const { principals, pools } = allowing.rule;
  const who = `a principal of ${principals.join(', ')} and a pool type of ${pools.join(', ')}`;
  const judged = judgeWithin(desk, instanceId, wanted, allowing);
  const once = `once it registers, with ${who}`;
  if (judged?.standing === 'granted')
    return { admitted: false, reason: refusal, needed: `it would be granted ${once}: ${judged.why}` };
  const what = judged ? `${refusal}: ${describe(judged)}` : refusal;
  return { admitted: false, reason: what, needed: `${approvalCommand(instanceId, [wanted])}, to take effect ${once}` };
}

/** The status of the grant for an instance under this rule. */
function judgeWithin(
  desk: GrantDesk,
  instanceId: string,
  wanted: Grant,
  { rule }: NamedRule,
): EvaluatedGrant | undefined {
  const [principal = '', poolType = ''] = [rule.principals[0], rule.pools[0]];
  const decision: AccessDecision = desk.evaluate({ instanceId, principal, poolType }, [wanted]);
  return decision.grants.find((grant) => overlaps(grant, wanted));
}

/** @example 'in the policy, the nearest is a.*' */
export function nearestInPolicy({ action, pattern }: Grant, rules: readonly NamedRule[]): string {
  const ceiling = rules.flatMap(({ rule }) => rule.grants);
  return `in the policy, ${nearestHint(ceiling, action, pattern)}`;
}

function describe({ action, pattern, why }: EvaluatedGrant): string {
  return `${action} ${pattern} (${why})`;
}

function ruleFor({ action, pattern }: Grant, rules: readonly NamedRule[]): string {
  const place = rules[0]
    ? `\`${action}\` of ${rules.map(({ name }) => name).join(' or ')}`
    : `\`${action}\` of a new rule for the instance`;
  return `add ${pattern} to ${place} in the policy`;
}
