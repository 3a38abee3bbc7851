import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resolveInstanceId } from '../../../src/contract/config/instance-id.ts';
import type { PlatformIdentity } from '../../../src/contract/config/platform-identity.ts';

const nowhere: PlatformIdentity = {
  onCloudFoundry: false,
  space: undefined,
  app: undefined,
  process: undefined,
  index: undefined,
  applicationVersion: undefined,
};
const web: PlatformIdentity = {
  ...nowhere,
  onCloudFoundry: true,
  space: 'dev',
  app: 'oms',
  process: 'web',
  index: '0',
};

describe('an instance id', () => {
  test.each([
    ['stays as written', 'oms-1', nowhere, 'oms-1'],
    ['is {app}-{index} when unset on Cloud Foundry', undefined, { ...web, index: '3' }, 'oms-3'],
    ['names the process when that is not web', undefined, { ...web, process: 'worker' }, 'oms-worker-0'],
    ['expands every placeholder', '{space}_{app}-{process}-{index}', { ...web, index: '2' }, 'dev_oms-web-2'],
    ['may be fixed at index 0', 'oms', web, 'oms'],
    ['may be 64 characters long', 'a'.repeat(64), nowhere, 'a'.repeat(64)],
  ])('%s', (_fact, template, identity, id) => {
    expect(resolveInstanceId(template, identity)).toEqual({ ok: true, value: id });
  });

  test.each([
    ['unset outside Cloud Foundry', undefined, nowhere, 'missing'],
    ['with a placeholder that nobody knows', '{org}-{index}', web, 'unknown-placeholder'],
    ['with a placeholder that has no value', '{app}-{index}', nowhere, 'unresolved'],
    ['fixed at index 1', 'oms', { ...web, index: '1' }, 'fixed'],
    ['fixed but for the app at index 1', '{app}', { ...web, index: '1' }, 'fixed'],
    ['with a dot', 'oms.1', nowhere, 'malformed'],
    ['with a lone brace', 'oms-{index', web, 'malformed'],
    ['whose app has a letter outside the alphabet', '{app}-{index}', { ...web, app: 'my app' }, 'malformed'],
    ['of 65 characters', 'a'.repeat(65), nowhere, 'malformed'],
  ])('is rejected when it is %s', (_fact, template, identity, fault) => {
    expect(resolveInstanceId(template, identity)).toMatchObject({ ok: false, fault });
  });

  test('differs between any two instances of one process', () => {
    const index = fc.nat(500).map(String);
    fc.assert(
      fc.property(index, index, (one, other) => {
        const ids = [one, other].map((each) => resolveInstanceId('{app}-{index}', { ...web, index: each }));
        return one === other || JSON.stringify(ids[0]) !== JSON.stringify(ids[1]);
      }),
    );
  });
});
