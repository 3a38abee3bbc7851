import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideAccess, type InstanceClaim, type Standing } from '../../../src/bus/access/access-decision.ts';
import type { Policy, PolicyRule } from '../../../src/bus/access/policy.ts';
import { anonymous } from '../../../src/bus/access/principal.ts';
import type { GrantDecision } from '../../../src/bus/store/store.ts';
import { type Grant, isAllowed } from '../../../src/contract/wire/topics/grants.ts';
import { containsPattern, matchTopic } from '../../../src/contract/wire/topics/topic.ts';

const publish = (pattern: string): Grant => ({ action: 'publish', pattern });
const subscribe = (pattern: string): Grant => ({ action: 'subscribe', pattern });
const everybody = { principals: ['*'], instances: ['*'], pools: ['*'] };
const rule = (grants: readonly Grant[], more: Partial<PolicyRule> = {}): PolicyRule => ({
  ...everybody,
  grants,
  ...more,
});
const policyOf = (...rules: readonly PolicyRule[]): Policy => ({ deploymentId: 'd', rules });

const claim: InstanceClaim = { principal: 'ci', instanceId: 'node-plugin-0', poolType: 'SignalPool' };

const given = [publish('platform.signal.**'), subscribe('platform.data.*'), subscribe('platform.news')];
const policy = policyOf(
  { principals: ['*'], instances: ['node-plugin-*'], pools: ['SignalPool'], grants: given },
  { principals: ['ops'], instances: ['console'], pools: ['*'], grants: [] },
);

function judged(
  { policy, requested = [], decisions = [] }: { policy: Policy; requested?: Grant[]; decisions?: GrantDecision[] },
  standing: Standing,
): Grant[] {
  return decideAccess(policy, claim, requested, decisions)
    .grants.filter((grant) => grant.standing === standing)
    .map(({ pattern, action }) => ({ action, pattern }));
}

describe('who may be an instance', () => {
  test.each<[who: string, claim: InstanceClaim, admitted: boolean]>([
    ['who matches a rule', claim, true],
    ['a caller without a credential, where a rule lets everybody', { ...claim, principal: anonymous }, true],
    ['an instance id that is only a part of the glob', { ...claim, instanceId: 'node-plugin' }, false],
    ['an instance id that only begins after something else', { ...claim, instanceId: 'a-node-plugin-0' }, false],
    ['another pool type', { ...claim, poolType: 'OtherPool' }, false],
    ['a pool type in other letters', { ...claim, poolType: 'signalpool' }, false],
    ['the principal of another rule', { principal: 'ops', instanceId: 'console', poolType: 'AnyPool' }, true],
    ['a principal that is no ops', { principal: 'ops2', instanceId: 'console', poolType: 'AnyPool' }, false],
  ])('%s', (_who, who, admitted) => {
    const { refusal } = decideAccess(policy, who, [], []);
    expect(refusal === undefined).toBe(admitted);
    if (!admitted) expect(refusal).toContain(`principal "${who.principal}"`);
  });

  test.each([
    ['a dot is a dot', 'a.c', 'abc', false],
    ['a star in the middle', 'a*c', 'abbc', true],
    ['a star over a line break', '*', 'a\nb', true],
    ['letters that mean something to a regular expression', '[a]+(b)|$^', '[a]+(b)|$^', true],
  ])('is found by a glob taken literally: %s', (_what, glob, principal, admitted) => {
    const only = policyOf(rule([], { principals: [glob] }));
    expect(decideAccess(only, { ...claim, principal }, [], []).refusal === undefined).toBe(admitted);
  });
});

describe('what automatic rules give', () => {
  test.each<[asked: string, requested: Grant[], granted: readonly Grant[]]>([
    ['nothing gives all that the policy gives', [], given],
    ['what is granted gives it', [...given], given],
    ['less gives that', [subscribe('platform.data.gold')], [subscribe('platform.data.gold')]],
    ['more gives nothing of it', [subscribe('platform.**')], []],
    ['another action gives nothing', [publish('platform.news')], []],
    ['what only two grants together cover gives nothing', [subscribe('platform.*')], []],
  ])('for asking for %s', (_asked, requested, granted) => {
    expect(judged({ policy, requested }, 'granted')).toEqual(granted);
    const denied = requested.length > 0 && granted.length === 0 ? requested : [];
    expect(judged({ policy, requested }, 'denied')).toEqual(denied);
  });
});

let clock = 0n;
function decided(verdict: GrantDecision['verdict'], grant: Grant, instanceId = claim.instanceId): GrantDecision {
  clock += 1_000_000n;
  return { ...grant, instanceId, verdict, by: 'ops', decidedAtNs: clock };
}
const approved = (grant: Grant, instanceId?: string) => decided('approved', grant, instanceId);
const revoked = (grant: Grant, instanceId?: string) => decided('revoked', grant, instanceId);

describe('what administrators decide', () => {
  const manual = policyOf(rule([publish('a.**')], { approval: 'manual' }));
  const automatic = policyOf(rule([publish('a.**')]));
  const both = policyOf(rule([publish('a.**')], { approval: 'manual' }), rule([publish('a.b')]));

  test.each<[fact: string, policy: Policy, wanted: string, decisions: GrantDecision[], standing: Standing]>([
    ['what a manual rule allows waits', manual, 'a.b', [], 'undecided'],
    ['what another rule gives by itself does not', both, 'a.b', [], 'granted'],
    ['an approval of it is enough', manual, 'a.b', [approved(publish('a.b'))], 'granted'],
    ['so is an approval of more', manual, 'a.b', [approved(publish('a.*'))], 'granted'],
    ['an approval of less is not', manual, 'a.*', [approved(publish('a.b'))], 'undecided'],
    ['nor one of the other action', manual, 'a.b', [approved(subscribe('a.b'))], 'undecided'],
    ['nor one for another instance', manual, 'a.b', [approved(publish('a.b'), 'two')], 'undecided'],
    ['no approval goes beyond the policy', manual, 'b.b', [approved(publish('**'))], 'denied'],
    ['a revoke withholds what is automatic', automatic, 'a.b', [revoked(publish('a.b'))], 'revoked'],
    ['a revoke of more withholds it', automatic, 'a.b', [revoked(publish('**'))], 'revoked'],
    ['a revoke of a part withholds the whole', automatic, 'a.**', [revoked(publish('a.b'))], 'revoked'],
    ['a revoke of something else does not', automatic, 'a.b', [revoked(publish('a.c'))], 'granted'],
    ['a revoke for another instance does not', automatic, 'a.b', [revoked(publish('a.b'), 'two')], 'granted'],
    ['a later approval lifts it', automatic, 'a.b', [revoked(publish('a.b')), approved(publish('a.b'))], 'granted'],
    [
      'a later approval of a part lifts it for the part',
      automatic,
      'a.b',
      [revoked(publish('a.**')), approved(publish('a.b'))],
      'granted',
    ],
    [
      'a later approval of a part does not lift it for the whole',
      automatic,
      'a.**',
      [revoked(publish('a.**')), approved(publish('a.b'))],
      'revoked',
    ],
    ['an earlier approval does not', manual, 'a.b', [approved(publish('a.*')), revoked(publish('a.b'))], 'revoked'],
    ['what is revoked and no longer allowed is denied', automatic, 'b', [revoked(publish('b'))], 'denied'],
  ])('%s', (_fact, rules, wanted, decisions, standing) => {
    expect(decideAccess(rules, claim, [publish(wanted)], decisions).grants).toMatchObject([{ standing }]);
  });

  test('is named with the rule, the administrator and the time', () => {
    const at = { decidedAtNs: 1_790_000_000_000_000_000n };
    const why = (policy: Policy, decision?: GrantDecision) =>
      decideAccess(policy, claim, [publish('a.b')], decision ? [{ ...decision, ...at }] : []).grants[0]?.why;
    expect(why(manual)).toBe('rules[0] needs an approval');
    expect(why(both)).toBe('rules[1]');
    expect(why(manual, approved(publish('a.b')))).toBe('rules[0], approved by ops at 2026-09-21T14:13:20.000Z');
    expect(why(automatic, revoked(publish('a.*')))).toBe('revoked by ops at 2026-09-21T14:13:20.000Z (a.*)');
    expect(why(policyOf(rule([publish('b')])))).toBe('no policy rule allows it');
  });
});

const segment = fc.constantFrom('a', 'b', '*');
const pattern = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([segments, open]) => (open ? [...segments, '**'] : segments).join('.'));
const topic = fc
  .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 })
  .map((segments) => segments.join('.'));
const grant: fc.Arbitrary<Grant> = fc.record({ pattern, action: fc.constantFrom('publish', 'subscribe') });
const glob = fc.constantFrom('*', 'x', 'y', 'x*');
const name = fc.constantFrom('x', 'y', 'xy');
const anyPolicy: fc.Arbitrary<Policy> = fc.record({
  deploymentId: fc.constant('d'),
  rules: fc.array(
    fc.record({
      principals: fc.array(glob, { minLength: 1, maxLength: 2 }),
      instances: fc.array(glob, { minLength: 1, maxLength: 2 }),
      pools: fc.array(glob, { minLength: 1, maxLength: 2 }),
      grants: fc.array(grant, { maxLength: 4 }),
      approval: fc.constantFrom('auto', 'manual'),
    }),
    { maxLength: 3 },
  ),
});
const anyApplicant = fc.record({ principal: name, instanceId: name, poolType: name });
const anyDecisions: fc.Arbitrary<GrantDecision[]> = fc.array(
  fc.record({
    instanceId: name,
    pattern,
    action: fc.constantFrom('publish', 'subscribe'),
    verdict: fc.constantFrom('approved', 'revoked'),
    by: fc.constant('ops'),
    decidedAtNs: fc.constant(0n),
  }),
  { maxLength: 6 },
);
const requests = fc.array(grant, { maxLength: 5 });

describe('whatever the policy, the requests and the decisions', () => {
  test('what is granted is contained in one rule, and every request is judged', () => {
    fc.assert(
      fc.property(anyPolicy, anyApplicant, requests, anyDecisions, (policy, who, requested, decisions) => {
        const { refusal, grants } = decideAccess(policy, who, requested, decisions);
        const ceiling = policy.rules.flatMap((each) => each.grants);
        for (const { pattern: wanted, action, standing } of grants) {
          if (standing !== 'granted') continue;
          expect(refusal).toBeUndefined();
          expect(ceiling.some((each) => each.action === action && containsPattern(each.pattern, wanted))).toBe(true);
        }
        if (requested.length === 0) return;
        const asked = new Set(requested.map(({ action, pattern }) => `${action} ${pattern}`));
        expect(new Set(grants.map(({ action, pattern }) => `${action} ${pattern}`))).toEqual(asked);
        expect(grants).toHaveLength(asked.size);
      }),
    );
  });

  test('nothing that was revoked last is admitted', () => {
    fc.assert(
      fc.property(
        anyPolicy,
        anyApplicant,
        requests,
        anyDecisions,
        grant,
        topic,
        (policy, who, asked, made, last, on) => {
          fc.pre(matchTopic(last.pattern, on));
          const revoke: GrantDecision = {
            ...last,
            instanceId: who.instanceId,
            verdict: 'revoked',
            by: 'o',
            decidedAtNs: 1n,
          };
          const { grants } = decideAccess(policy, who, asked, [...made, revoke]);
          const granted = grants.filter(({ standing }) => standing === 'granted');
          expect(isAllowed(granted, last.action, on)).toBe(false);
        },
      ),
    );
  });

  test('what was approved last is granted if a rule allows it, and else denied', () => {
    fc.assert(
      fc.property(anyPolicy, anyApplicant, grant, anyDecisions, (policy, who, wanted, made) => {
        const approval: GrantDecision = {
          ...wanted,
          instanceId: who.instanceId,
          verdict: 'approved',
          by: 'o',
          decidedAtNs: 1n,
        };
        const [judged] = decideAccess(policy, who, [wanted], [...made, approval]).grants;
        const automatic = { ...policy, rules: policy.rules.map((each) => ({ ...each, approval: 'auto' as const })) };
        const [allowed] = decideAccess(automatic, who, [wanted], []).grants;
        expect(['granted', 'denied']).toContain(allowed?.standing);
        expect(judged?.standing).toBe(allowed?.standing);
      }),
    );
  });

  test('without decisions manual rules give nothing, and without manual rules nothing waits', () => {
    fc.assert(
      fc.property(anyPolicy, anyApplicant, requests, (policy, who, requested) => {
        const as = (approval: 'auto' | 'manual') => ({
          ...policy,
          rules: policy.rules.map((each) => ({ ...each, approval })),
        });
        const standings = (of: Policy) => decideAccess(of, who, requested, []).grants.map(({ standing }) => standing);
        expect(standings(as('manual'))).not.toContain('granted');
        expect(standings(as('auto'))).not.toContain('undecided');
      }),
    );
  });
});
