import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ErrorList } from '../../src/base/user-facing-error.ts';
import { parsePolicy } from '../../src/bus/access/policy.ts';
import { contextOf, type Setting, settingsIn } from '../../src/contract/config/settings/setting.ts';
import { settings, sidecarConfigKeys } from '../../src/contract/config/settings.ts';
import { loadSidecarConfig } from '../../src/contract/config/sidecar-config.ts';
import { patternProblem } from '../../src/contract/wire/topics/topic.ts';
import { readPage } from './examples.ts';
import { generatedFiles } from './generated/generated-files.ts';
import { policySchema, sidecarConfigSchema } from './generated/json-schemas.ts';

const root = path.resolve(import.meta.dirname, '../..');
const all = settingsIn(settings);
const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
const platform = {
  onCloudFoundry: false,
  space: undefined,
  app: undefined,
  process: undefined,
  index: undefined,
  applicationVersion: undefined,
};
const context = contextOf({}, { platform, checkPattern: patternProblem });

test.each([...generatedFiles()])('%s is what `npm run gen:docs` makes', (name, text) => {
  expect(readFileSync(path.join(root, name), 'utf8')).toBe(text);
});

describe('the table of settings', () => {
  test('gives a variable, a key and an option to one setting each', () => {
    for (const names of [
      all.flatMap(({ variable }) => variable ?? []),
      all.flatMap(({ key }) => key ?? []),
      all.flatMap(({ option }) => option?.name ?? []),
    ]) {
      expect(names).toEqual([...new Set(names)]);
    }
  });

  test.each(
    all.flatMap((setting) =>
      [setting.default, setting.example === '(secret)' ? undefined : setting.example].flatMap((written) =>
        written === undefined ? [] : [[nameOf(setting), written, setting] as const],
      ),
    ),
  )('%s accepts its own default or example, %s', (_, written, { parse: parser }) => {
    expect(parser(written, context)).toMatchObject({ ok: true });
  });
});

describe('the configuration file of docs/settings.md', () => {
  const [, text = ''] = /```yaml\n(.*?)```/s.exec(readPage('settings.md')) ?? [];

  test('names every key', () => {
    const uncommented = text.replaceAll(/^( *)# (?=\w+: )/gm, '$1');
    expect(keysOf(parse(uncommented)).sort()).toEqual([...sidecarConfigKeys].sort());
  });

  test('sets what holds without it', () => {
    expect(load({ path: 'sidecar.yml', text })).toEqual({
      ...load(),
      busApiUrl: { ...load().busApiUrl, origin: expect.stringContaining('sidecar.yml') },
    });
  });

  test('is valid by its JSON Schema', () => {
    const isValid = ajv.compile(sidecarConfigSchema());
    isValid(parse(text));
    expect(isValid.errors).toBeNull();
  });
});

describe('the JSON Schema of the configuration file', () => {
  const isValid = ajv.compile(sidecarConfigSchema());
  const values = [
    ...[
      '',
      ' ',
      'info',
      'text',
      'OMSPool',
      '7',
      '0',
      '8s',
      '0s',
      ' 5m ',
      '500',
      '8MiB',
      '8 MiB',
      '0B',
      '85%',
      '0%',
      '101%',
    ],
    ...['true', ':9192', '127.0.0.1:9191', 'bus:1', '[]', 'a,b', 0, 1, 1_000_001, 1.5, true, false],
    ...[[], ['a'], [1], {}, [{ topic: 'a.b', action: 'publish' }], [{ topic: 'a.b' }]],
  ];
  const keyed = all.filter((setting) => setting.key !== undefined);

  test.each(keyed.map((setting) => [setting.key ?? '', setting] as const))(
    'lets everything through that the sidecar accepts as %s',
    (key, { parse: parser }) => {
      for (const value of values) {
        const isAccepted = parser(value, context).ok;
        const isAllowed = isValid(nested(key, value));
        if (isAccepted) expect([value, isAllowed]).toEqual([value, true]);
        if (parser.schema && !['requested_grants', 'tags'].includes(key))
          expect([value, isAllowed]).toEqual([value, isAccepted]);
      }
    },
  );

  test.each([['timeuots: {}'], ['timeouts: {conect: 3s}'], ['timeouts: 3s'], ['bus_token: secret']])(
    'refuses %s',
    (text) => {
      expect(isValid(parse(text))).toBe(false);
      expect(() => load({ path: 'sidecar.yml', text })).toThrow(ErrorList);
    },
  );
});

describe('the JSON Schema of the policy agrees with the bus', () => {
  const isValid = ajv.compile(policySchema());
  const rule = { principals: ['*'], instances: ['a-*'], pools: ['P'] };
  const hash = 'ab'.repeat(32);

  test.each<[string, boolean, unknown]>([
    ['the least that there can be', true, { deployment: 'd', rules: [rule] }],
    ['everything', true, everything()],
    ['no rule', false, { deployment: 'd', rules: [] }],
    ['no deployment', false, { rules: [rule] }],
    ['an unknown key', false, { deployment: 'd', rules: [rule], rule: [] }],
    ['a rule without pools', false, { deployment: 'd', rules: [{ principals: ['*'], instances: ['*'] }] }],
    ['an unknown key of a rule', false, { deployment: 'd', rules: [{ ...rule, topics: [] }] }],
    ['an unknown approval', false, { deployment: 'd', rules: [{ ...rule, approval: 'perhaps' }] }],
    ['a quota of 0', false, { deployment: 'd', rules: [{ ...rule, quotas: { servers: 0 } }] }],
    ['an unknown quota', false, { deployment: 'd', rules: [{ ...rule, quotas: { server: 1 } }] }],
    ['too many subscriptions', false, { deployment: 'd', rules: [{ ...rule, quotas: { subscriptions: 513 } }] }],
    ['admins that are no list', false, { deployment: 'd', rules: [rule], admins: 'ops' }],
    ['a token in place of its hash', false, { deployment: 'd', rules: [rule], tokens: { secret: 'ci' } }],
  ])('on %s', (_, isGood, policy) => {
    expect(isValid(policy)).toBe(isGood);
    const read = () => parsePolicy({ path: 'policy.yml', text: JSON.stringify(policy) });
    if (isGood) expect(read).not.toThrow();
    else expect(read).toThrow(ErrorList);
  });

  function everything() {
    const full = { ...rule, publish: ['a.*'], subscribe: ['b.**'], approval: 'manual', quotas: { servers: 1 } };
    return { deployment: 'd', rules: [full], admins: ['ops'], tokens: { [hash]: 'ci' } };
  }

  test('on the example of docs/access.md', () => {
    const [, text = ''] = /```yaml\n(deployment: .*?)```/s.exec(readPage('access.md')) ?? [];
    expect(isValid(parse(text))).toBe(true);
  });
});

function nameOf({ variable, key, option }: Setting): string {
  return variable ?? key ?? option?.name ?? '';
}

function load(configFile?: { path: string; text: string }) {
  const environment = { INSTANCE_ID: 'one', POOL_TYPE: 'SignalPool' };
  return loadSidecarConfig({ environment, checkPattern: patternProblem, ...(configFile && { configFile }) });
}

function nested(key: string, value: unknown): unknown {
  return key.split('.').reduceRight((inner, name) => ({ [name]: inner }), value);
}

/** The dotted keys of a document; a list is a value. */
function keysOf(document: unknown, prefix = ''): string[] {
  return Object.entries(document as object).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? keysOf(value, `${prefix}${name}.`)
      : [`${prefix}${name}`],
  );
}
