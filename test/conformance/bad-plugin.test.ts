import { describe, expect, test } from 'vitest';
import { conformanceTests, type TestId } from '../../src/conformance/conformance-tests.ts';
import type { Fault } from './bad-plugin.ts';
import { idsOf, judgeOf, seenIn } from './judge-plugin.ts';

const judge = judgeOf('bad-plugin.ts');
const everyTest = conformanceTests.map(({ id }) => id);

/** What fails with each fault: the test that is there to find it, and those that cannot pass without it. */
const faults: readonly (readonly [fault: Fault, fails: readonly TestId[]])[] = [
  ['never-registers', ['register', ...everyTest.filter((id) => id !== 'register')]],
  ['registers-twice', ['state-transitions']],
  ['exits-when-degraded', ['degraded-state']],
  ['answers-no-health-check', ['health-check', 'degraded-state', 'faulted-state', 'acl-enforcement']],
  ['exits-with-1', ['graceful-shutdown']],
  ['ignores-sigterm', ['graceful-shutdown']],
  ['forgets-its-state', ['state-save-load']],
  ['does-not-wait', ['sidecar-readiness']],
  ['calls-too-early', ['sidecar-readiness']],
  ['exits-after-a-freeze', ['faulted-state']],
  ['gives-no-payload-type', ['publish-envelope']],
  ['acknowledges-late', ['subscribe-and-receive', 'group-handover']],
  ['publishes-from-the-future', ['dual-timestamps']],
  ['exits-when-refused', ['acl-enforcement']],
  ['gives-no-dedup-key', ['dedup-key']],
  ['gives-an-event-a-new-key', ['dedup-key']],
  ['gives-all-events-one-key', ['dedup-key']],
  ['registers-an-odd-version', ['schema-version']],
  ['names-no-version', ['schema-version']],
  ['skips-what-may-be-repeated', ['group-handover']],
];

describe.concurrent('a plugin', () => {
  test('without a fault passes every test', async () => {
    const results = await judge([]);
    expect(results.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
    expect(results).toHaveLength(15);
  });

  test.each(faults)('that %s fails %j', async (fault, expected) => {
    const results = await judge([fault]);
    expect(idsOf(results, 'failed'), seenIn(results)).toEqual([...expected].sort());
  });

  test.each([
    ['is not judged by what it does not do', {}, 'not applicable'],
    ['fails what it does not do when that is strictly expected', { isStrict: true }, 'failed'],
  ] as const)('that only registers %s', async (_what, claims, outcome) => {
    const results = await judge(['only-registers'], claims);
    expect(idsOf(results, outcome), seenIn(results)).toEqual([
      'acl-enforcement',
      'dedup-key',
      'dual-timestamps',
      'group-handover',
      'publish-envelope',
      'state-save-load',
      'subscribe-and-receive',
    ]);
  });

  test('that only registers fails the tests of what it is granted to publish', async () => {
    const results = await judge(['only-registers'], { grants: [{ action: 'publish', pattern: 'demo.*' }] });
    expect(idsOf(results, 'not applicable')).toEqual(['group-handover', 'state-save-load', 'subscribe-and-receive']);
    expect(idsOf(results, 'failed')).toEqual(['acl-enforcement', 'dedup-key', 'dual-timestamps', 'publish-envelope']);
  });
});

test('there is a fault for each of the tests', () => {
  expect(new Set(faults.map(([, [finder]]) => finder))).toEqual(new Set(everyTest));
});
