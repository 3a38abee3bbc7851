import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ErrorList } from '../../../src/base/user-facing-error.ts';
import { decideAccess } from '../../../src/bus/access/access-decision.ts';
import { type Policy, parsePolicy } from '../../../src/bus/access/policy.ts';

const good = `
deployment: local
rules:
  - principals: ["*"]
    instances: ["node-plugin-*"]
    pools: [SignalPool]
    publish: [platform.signal.**]
    subscribe: [platform.data.*, platform.news]
    approval: manual
  - principals: [ops]
    instances: [console]
    pools: ["*"]
`;

const parse = (text: string): Policy => parsePolicy({ path: 'policy.yml', text });

function faultsOf(text: string): readonly { id: string; message: string; exitCode: number }[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ErrorList) return error.errors;
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
  [
    'an approval that is neither',
    `deployment: d\nrules: [{${rule}, approval: sometimes}]`,
    [/rules\[0\]\.approval is neither auto nor manual/],
  ],
  ['admins that are a text', `deployment: d\nrules: [{${rule}}]\nadmins: ops`, [/`admins` is not a list of texts/]],
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
          approval: 'manual',
        },
        { principals: ['ops'], instances: ['console'], pools: ['*'], grants: [], approval: 'auto' },
      ],
      admins: [],
    });
  });

  test('gives the principals of bearer tokens by the hashes of these, in lower case', () => {
    const { tokens } = parse(`${good}tokens: {${sha.toUpperCase()}: ci}`);
    expect(tokens).toEqual(new Map([[sha, 'ci']]));
  });

  test('gives the globs of the principals who may decide', () => {
    expect(parse(`${good}admins: [ops, 'admin-*']`).admins).toEqual(['ops', 'admin-*']);
  });

  test.each(bad)('is refused with all its errors when it is, or has, %s', (_why, text, expected) => {
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

test('the policy that docs/access.md shows is one, and lets its own instance in', () => {
  const page = readFileSync(path.resolve('docs/access.md'), 'utf8');
  const text = /^```yaml\n(.*?)^```/ms.exec(page)?.[1] ?? '';
  const policy = parsePolicy({ path: 'docs/access.md', text });
  const claim = { principal: 'anonymous', instanceId: 'quotes-1', poolType: 'DGMPool' };
  expect(decideAccess(policy, claim, [], []).refusal).toBeUndefined();
});
