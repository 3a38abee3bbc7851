import type { Grant } from '../../contract/wire/topics/grants.ts';
import { containsPattern, patternsOverlap } from '../../contract/wire/topics/topic.ts';
import type { GrantDecision } from '../store/store.ts';
import { globMatches, type Policy, type PolicyRule } from './policy.ts';

/** A caller that claims to be an instance. */
export interface InstanceClaim {
  readonly principal: string;
  readonly instanceId: string;
  readonly poolType: string;
}

/** `undecided`: an administrator has to approve it. `denied`: no rule allows it. `revoked`: an administrator withdrew it. */
export type Standing = 'granted' | 'undecided' | 'denied' | 'revoked';

/** One grant that an instance requests, and its status. */
export interface EvaluatedGrant extends Grant {
  readonly standing: Standing;
  /** The rule or decision that determines the status, for people. */
  readonly why: string;
  /** The administrator's decision that determines the status, if there is one. */
  readonly decision?: GrantDecision;
}

export interface AccessDecision {
  /** Undefined if a rule allows the claim. */
  readonly refusal: string | undefined;
  /** All requested grants, each with its status. */
  readonly grants: readonly EvaluatedGrant[];
}

/** A rule with its name in errors of the policy file. */
export interface NamedRule {
  readonly name: string;
  readonly rule: PolicyRule;
}

/**
 * Evaluates the grants that an instance requests. Without a request, it evaluates all that the policy allows.
 * The rules are the upper bound, whatever was decided. Within them a revoke disables every grant that shares a topic with it, until a later
 * approval contains the revoked or the granted pattern. Decisions are ordered by their time.
 */
export function decideAccess(
  policy: Policy,
  claim: InstanceClaim,
  requested: readonly Grant[],
  decisions: readonly GrantDecision[],
): AccessDecision {
  const rules = rulesFor(policy, claim);
  const ofInstance = decisions.filter(({ instanceId }) => instanceId === claim.instanceId);
  const wanted = requested.length > 0 ? requested : rules.flatMap(({ rule }) => rule.grants);
  const grants = distinct(wanted).map((grant) => evaluate(grant, rules, ofInstance));
  if (rules.length > 0) return { refusal: undefined, grants };
  const { principal, instanceId, poolType } = claim;
  return { refusal: `no policy rule lets principal "${principal}" be "${instanceId}" of ${poolType}`, grants };
}

/** The rules that allow the claim. What the claim does not say matches every rule. */
export function rulesFor(policy: Policy, { instanceId, principal, poolType }: Partial<InstanceClaim>): NamedRule[] {
  return policy.rules
    .map((rule, index) => ({ name: `rules[${index}]`, rule }))
    .filter(
      ({ rule }) =>
        (instanceId === undefined || globMatches(rule.instances, instanceId)) &&
        (principal === undefined || globMatches(rule.principals, principal)) &&
        (poolType === undefined || globMatches(rule.pools, poolType)),
    );
}

/** The rule that allows the grant. Rules without approval come before those with it. */
export function allowingRule(rules: readonly NamedRule[], wanted: Grant): NamedRule | undefined {
  const allowing = rules.filter(({ rule }) => rule.grants.some((grant) => contains(grant, wanted)));
  return allowing.find(({ rule }) => rule.approval !== 'manual') ?? allowing[0];
}

/** Whether a grant contains another. */
export function contains(outer: Grant, inner: Grant): boolean {
  return outer.action === inner.action && containsPattern(outer.pattern, inner.pattern);
}

export function overlaps(one: Grant, other: Grant): boolean {
  return one.action === other.action && patternsOverlap(one.pattern, other.pattern);
}

function evaluate(wanted: Grant, rules: readonly NamedRule[], decisions: readonly GrantDecision[]): EvaluatedGrant {
  const { pattern, action } = wanted;
  const allowing = allowingRule(rules, wanted);
  if (!allowing) return { pattern, action, standing: 'denied', why: 'no policy rule allows it' };
  const revoke = standingRevoke(wanted, decisions);
  if (revoke) return { pattern, action, standing: 'revoked', why: describeDecision(revoke, wanted), decision: revoke };
  if (allowing.rule.approval !== 'manual') return { pattern, action, standing: 'granted', why: allowing.name };
  const approval = decisions.findLast((each) => each.verdict === 'approved' && contains(each, wanted));
  if (!approval) return { pattern, action, standing: 'undecided', why: `${allowing.name} needs an approval` };
  const why = `${allowing.name}, ${describeDecision(approval, wanted)}`;
  return { pattern, action, standing: 'granted', why, decision: approval };
}

/** The latest revoke that shares a topic with the wanted grant and was not lifted by a later approval. */
function standingRevoke(wanted: Grant, decisions: readonly GrantDecision[]): GrantDecision | undefined {
  return decisions.findLast(
    (revoke, index) =>
      revoke.verdict === 'revoked' &&
      overlaps(revoke, wanted) &&
      !decisions
        .slice(index + 1)
        .some((later) => later.verdict === 'approved' && (contains(later, wanted) || contains(later, revoke))),
  );
}

/** @example 'revoked by ops at 2026-05-04T03:02:01.000Z (a.**)' */
function describeDecision({ verdict, by, decidedAtNs, pattern }: GrantDecision, wanted: Grant): string {
  const at = new Date(Number(decidedAtNs / 1_000_000n)).toISOString();
  return `${verdict} by ${by} at ${at}${pattern === wanted.pattern ? '' : ` (${pattern})`}`;
}

function distinct(grants: readonly Grant[]): Grant[] {
  return [...new Map(grants.map((grant) => [`${grant.action} ${grant.pattern}`, grant])).values()];
}
