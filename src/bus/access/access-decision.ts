import type { Grant } from '../../contract/wire/grants.ts';
import { containsPattern, patternsOverlap } from '../../contract/wire/topic.ts';
import type { GrantDecision } from '../store/store.ts';
import { globMatches, type Policy, type PolicyRule } from './policy.ts';

/** Who asks to be which instance. */
export interface Applicant {
  readonly principal: string;
  readonly instanceId: string;
  readonly poolType: string;
}

/** `undecided`: an administrator has to approve it; `denied`: no rule allows it; `revoked`: an administrator withdrew it. */
export type Standing = 'granted' | 'undecided' | 'denied' | 'revoked';

/** One grant that an instance asks for, and what stands of it. */
export interface JudgedGrant extends Grant {
  readonly standing: Standing;
  /** The rule or the decision that makes it so, for people. */
  readonly why: string;
  /** The administrator's decision behind it, when there is one. */
  readonly decision?: GrantDecision;
}

export interface AccessDecision {
  /** Undefined when a rule lets the applicant be what it asks to be. */
  readonly refusal: string | undefined;
  /** All that was asked for, each with what stands of it. */
  readonly grants: readonly JudgedGrant[];
}

/** A rule with the name that faults of the policy file give it. */
export interface NamedRule {
  readonly name: string;
  readonly rule: PolicyRule;
}

/**
 * Judges what an instance asks for; one that asks for nothing asks for all that the policy allows it. The rules are the
 * most that can be granted, whatever was decided. Within them a revoke withholds every grant that shares a topic with it,
 * until a later approval contains either of the two. Decisions are given in the order in which they were made.
 */
export function decideAccess(
  policy: Policy,
  applicant: Applicant,
  requested: readonly Grant[],
  decisions: readonly GrantDecision[],
): AccessDecision {
  const rules = rulesFor(policy, applicant);
  const ofInstance = decisions.filter(({ instanceId }) => instanceId === applicant.instanceId);
  const wanted = requested.length > 0 ? requested : rules.flatMap(({ rule }) => rule.grants);
  const grants = distinct(wanted).map((grant) => judge(grant, rules, ofInstance));
  if (rules.length > 0) return { refusal: undefined, grants };
  const { principal, instanceId, poolType } = applicant;
  return { refusal: `no policy rule lets principal "${principal}" be "${instanceId}" of ${poolType}`, grants };
}

/** The rules that let the applicant be what it asks to be; without a principal and pool type, of the instance id alone. */
export function rulesFor(
  policy: Policy,
  { instanceId, principal, poolType }: Pick<Applicant, 'instanceId'> & Partial<Applicant>,
): NamedRule[] {
  return policy.rules
    .map((rule, index) => ({ name: `rules[${index}]`, rule }))
    .filter(
      ({ rule }) =>
        globMatches(rule.instances, instanceId) &&
        (principal === undefined || globMatches(rule.principals, principal)) &&
        (poolType === undefined || globMatches(rule.pools, poolType)),
    );
}

/** The rule that allows the grant; one that gives it by itself before one that needs approval. */
export function allowingRule(rules: readonly NamedRule[], wanted: Grant): NamedRule | undefined {
  const allowing = rules.filter(({ rule }) => rule.grants.some((grant) => contains(grant, wanted)));
  return allowing.find(({ rule }) => rule.approval !== 'manual') ?? allowing[0];
}

/** Whether a grant gives all that another would. */
export function contains(outer: Grant, inner: Grant): boolean {
  return outer.action === inner.action && containsPattern(outer.pattern, inner.pattern);
}

export function overlaps(one: Grant, other: Grant): boolean {
  return one.action === other.action && patternsOverlap(one.pattern, other.pattern);
}

function judge(wanted: Grant, rules: readonly NamedRule[], decisions: readonly GrantDecision[]): JudgedGrant {
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

/** The latest revoke that shares a topic with what is wanted and that no later approval has lifted. */
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
