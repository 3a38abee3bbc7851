import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FaultList } from '../../src/base/user-facing-error.ts';
import { type Applicant, decide, type Policy, parsePolicy } from '../../src/bus/policy.ts';
import { anonymous } from '../../src/bus/principal.ts';
import type { Grant } from '../../src/contract/wire/grants.ts';
import { containsPattern } from '../../src/contract/wire/topic.ts';

const good = `
deployment: local
rules:
  - principals: ["*"]
    instances: ["node-plugin-*"]
    pools: [SignalPool]
    publish: [platform.signal.**]
    subscribe: [platform.data.*, platform.news]
  - principals: [ops]
    instances: [console]
    pools: ["*"]
`;

const parse = (text: string): Policy => parsePolicy({ path: 'policy.yml', text });

function faultsOf(text: string): readonly { id: string; message: string; exitCode: number }[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof FaultList) return error.faults;
    throw error;
  }
  return [];
}

const rule = 'principals: [p], instances: [i], pools: [s]';

const sha = 'ab'.repeat(32);

const bad: [why: string, text: string, faults: RegExp[]][] = [
  ['an empty file', '', [/`deployment` is not a name/, /`rules` is not a list of at least one rule/]],
  ['a list', '- a', [/`deployment` is not a name/, /`rules` is not a list/]],
  ['a text', 'local', [/`deployment` is not a name/, /`rules` is not a list/]],
  ['what is no YAML', 'rules: [', [/line 1 is not YAML/]],
  ['a bare star, which YAML takes for an alias', `deployment: d\nrules:\n  - principals: [*]`, [/line 3 is not YAML/]],
  [
    'a bare glob, which YAML takes for an alias of nothing',
    `deployment: d\nrules:\n  - principals: [*-plugin]`,
    [/is not YAML: .*alias/i],
  ],
  ['a key twice', `deployment: d\ndeployment: e\nrules: [{${rule}}]`, [/line 2 is not YAML: .*unique/]],
  ['a deployment that is a number', `deployment: 3\nrules: [{${rule}}]`, [/`deployment` is not a name/]],
  ['no rules', 'deployment: d\nrules: []', [/`rules` is not a list of at least one rule/]],
  ['an unknown key beside the rules', `deployment: d\nrulez: []\nrules: [{${rule}}]`, [/unknown key `rulez`/]],
  ['an unknown key in a rule', `deployment: d\nrules: [{${rule}, request: [a]}]`, [/rules\[0\] .* `request`/]],
  ['a text where a list belongs', `deployment: d\nrules: [{${rule}, publish: a.b}]`, [/rules\[0\]\.publish is not a/]],
  [
    'a number in a list',
    `deployment: d\nrules: [{${rule}, publish: [1]}]`,
    [/rules\[0\]\.publish is not a list of texts/],
  ],
  [
    'a malformed pattern',
    `deployment: d\nrules: [{${rule}, subscribe: [a..b]}]`,
    [/rules\[0\]\.subscribe "a\.\.b": .*empty/],
  ],
  [
    'a rule that is no mapping',
    'deployment: d\nrules: [all]',
    [/rules\[0\]\.principals/, /rules\[0\]\.instances/, /rules\[0\]\.pools/],
  ],
  ['tokens that are a list', `deployment: d\nrules: [{${rule}}]\ntokens: [a]`, [/`tokens` is not a mapping/]],
  [
    'a token where its hash belongs, one twice and two without a principal',
    `deployment: d\nrules: [{${rule}}]\ntokens: {my-secret-token: ci, ${sha}: 3, ${sha.toUpperCase()}: anonymous}`,
    [/entry 1 .* not under the SHA-256/, /entry 2 .* principal/, /entry 3 .* same SHA-256/, /entry 3 .* principal/],
  ],
  ['quotas that are a list', `deployment: d\nrules: [{${rule}, quotas: [1]}]`, [/rules\[0\]\.quotas is not a mapping/]],
  [
    'quotas that are unknown, no number, a fraction, none, and over the limit of everybody',
    `deployment: d\nrules: [{${rule}, quotas: {publishes: 1, servers: many, bytes_per_second: 1.5, calls_in_flight: 0, subscriptions: 513}}]`,
    [
      /quotas has an unknown key `publishes`; there are publishes_per_second, /,
      /quotas\.servers is not a whole number/,
      /quotas\.bytes_per_second is not/,
      /quotas\.calls_in_flight is not/,
      /quotas\.subscriptions is 513; .* 512/,
    ],
  ],
  [
    'several faults in several rules',
    `rules: [{${rule}, publish: [a.>, ok, '']}, {principals: [], instances: [i], pools: 7}]`,
    [/`deployment`/, /\[0\]\.publish "a\.>"/, /\[0\]\.publish ""/, /\[1\]\.principals/, /\[1\]\.pools/],
  ],
];

describe('a policy file', () => {
  test('gives the deployment and the rules, where publish and subscribe may be absent', () => {
    expect(parse(good)).toEqual({
      deploymentId: 'local',
      rules: [
        {
          principals: ['*'],
          instances: ['node-plugin-*'],
          pools: ['SignalPool'],
          grants: [
            { pattern: 'platform.signal.**', action: 'publish' },
            { pattern: 'platform.data.*', action: 'subscribe' },
            { pattern: 'platform.news', action: 'subscribe' },
          ],
        },
        { principals: ['ops'], instances: ['console'], pools: ['*'], grants: [] },
      ],
    });
  });

  test('gives the principals of bearer tokens by the hashes of these, in lower case', () => {
    const { tokens } = parse(`${good}tokens: {${sha.toUpperCase()}: ci}`);
    expect(tokens).toEqual(new Map([[sha, 'ci']]));
  });

  test.each(bad)('is refused with all its faults when it is, or has, %s', (_why, text, expected) => {
    const faults = faultsOf(text);
    for (const fault of expected)
      expect(faults.map(({ message }) => message)).toContainEqual(expect.stringMatching(fault));
    expect(faults).toHaveLength(expected.length);
    for (const { id, message, exitCode } of faults) {
      expect(id).toMatch(/^bus\/policy\/(syntax|value)$/);
      expect(message).toMatch(/^policy\.yml: /);
      expect(message).not.toContain('secret');
      expect(exitCode).toBe(78);
    }
  });
});

const applicant: Applicant = { principal: 'ci', instanceId: 'node-plugin-0', poolType: 'SignalPool' };
const all = parse(good).rules[0]?.grants ?? [];

describe('a decision', () => {
  test.each<[who: string, applicant: Applicant, admitted: boolean]>([
    ['who matches a rule', applicant, true],
    ['a caller without a credential, where a rule lets everybody', { ...applicant, principal: anonymous }, true],
    ['an instance id that is only a part of the glob', { ...applicant, instanceId: 'node-plugin' }, false],
    ['an instance id that only begins after something else', { ...applicant, instanceId: 'a-node-plugin-0' }, false],
    ['another pool type', { ...applicant, poolType: 'OtherPool' }, false],
    ['a pool type in other letters', { ...applicant, poolType: 'signalpool' }, false],
    ['the principal of another rule', { principal: 'ops', instanceId: 'console', poolType: 'AnyPool' }, true],
    ['a principal that is no ops', { principal: 'ops2', instanceId: 'console', poolType: 'AnyPool' }, false],
  ])('on %s', (_who, who, admitted) => {
    const decision = decide(parse(good), who, []);
    expect(decision.admitted).toBe(admitted);
    if (!decision.admitted) expect(decision.reason).toContain(`principal "${who.principal}"`);
  });

  test.each<[asked: string, requested: Grant[], granted: readonly Grant[]]>([
    ['nothing gives all that the policy gives', [], all],
    ['what is granted gives it', [...all], all],
    [
      'less gives that',
      [{ pattern: 'platform.data.gold', action: 'subscribe' }],
      [{ pattern: 'platform.data.gold', action: 'subscribe' }],
    ],
    ['more gives nothing of it', [{ pattern: 'platform.**', action: 'subscribe' }], []],
    ['another action gives nothing', [{ pattern: 'platform.news', action: 'publish' }], []],
    ['what only two grants together cover gives nothing', [{ pattern: 'platform.*', action: 'subscribe' }], []],
  ])('for asking for %s', (_asked, requested, granted) => {
    const denied = requested.filter(
      (grant) => !granted.includes(grant) && !granted.some((g) => g.pattern === grant.pattern),
    );
    expect(decide(parse(good), applicant, requested)).toEqual({ admitted: true, granted, denied });
  });

  test.each([
    ['a dot is a dot', 'a.c', 'abc', false],
    ['a star in the middle', 'a*c', 'abbc', true],
    ['a star over a line break', '*', 'a\nb', true],
    ['letters that mean something to a regular expression', '[a]+(b)|$^', '[a]+(b)|$^', true],
  ])('takes a glob literally: %s', (_what, glob, principal, admitted) => {
    const policy: Policy = {
      deploymentId: 'd',
      rules: [{ principals: [glob], instances: ['*'], pools: ['*'], grants: [] }],
    };
    expect(decide(policy, { ...applicant, principal }, []).admitted).toBe(admitted);
  });
});

const segment = fc.constantFrom('a', 'b', '*');
const pattern = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([segments, open]) => (open ? [...segments, '**'] : segments).join('.'));
const grant: fc.Arbitrary<Grant> = fc.record({ pattern, action: fc.constantFrom('publish', 'subscribe') });
const glob = fc.constantFrom('*', 'x', 'y', 'x*');
const anyRule = fc.record({
  principals: fc.array(glob, { minLength: 1, maxLength: 2 }),
  instances: fc.array(glob, { minLength: 1, maxLength: 2 }),
  pools: fc.array(glob, { minLength: 1, maxLength: 2 }),
  grants: fc.array(grant, { maxLength: 4 }),
});
const name = fc.constantFrom('x', 'y', 'xy');

test('what is granted is always contained in the policy, and every request is granted or denied', () => {
  fc.assert(
    fc.property(
      fc.record({ deploymentId: fc.constant('d'), rules: fc.array(anyRule, { maxLength: 3 }) }),
      fc.record({ principal: name, instanceId: name, poolType: name }),
      fc.array(grant, { maxLength: 5 }),
      (policy, who, requested) => {
        const decision = decide(policy, who, requested);
        if (!decision.admitted) return;
        const given = policy.rules.flatMap(({ grants }) => grants);
        for (const { pattern: wanted, action } of decision.granted) {
          expect(given.some((each) => each.action === action && containsPattern(each.pattern, wanted))).toBe(true);
        }
        if (requested.length === 0) return;
        expect([...decision.granted, ...decision.denied]).toHaveLength(requested.length);
        expect([...decision.granted, ...decision.denied]).toEqual(expect.arrayContaining(requested));
      },
    ),
  );
});

test('the policy that docs/bus.md shows is one, and lets its own instance in', () => {
  const page = readFileSync(path.resolve('docs/bus.md'), 'utf8');
  const text = /^```yaml\n(.*?)^```/ms.exec(page)?.[1] ?? '';
  const policy = parsePolicy({ path: 'docs/bus.md', text });
  const applicant = { principal: 'anonymous', instanceId: 'quotes-1', poolType: 'DGMPool' };
  expect(decide(policy, applicant, [])).toMatchObject({ admitted: true });
});
