import { describe, expect, test } from 'vitest';
import { idsOf, judgeOf, seenIn } from './judge-plugin.ts';
import type { V1Fault } from './v1-plugin.ts';

const judge = judgeOf('v1-plugin.ts');

const beyondV1 = ['dedup-key', 'degraded-state', 'dual-timestamps', 'group-handover', 'state-save-load'];

describe.concurrent('a plugin that speaks contract v1 alone', () => {
  test('passes what v1 can express, and the rest is not applicable', async () => {
    const results = await judge([]);
    expect(idsOf(results, 'failed'), seenIn(results)).toEqual([]);
    expect(idsOf(results, 'not applicable')).toEqual(beyondV1);
    expect(results.find(({ test: { id } }) => id === 'dedup-key')?.seen).toBe(
      'it speaks contract v1 alone, and contract v1 has no field for the key',
    );
  });

  test('is not asked for more even when everything is strictly expected', async () => {
    const results = await judge([], { isStrict: true, only: ['dedup-key', 'state-save-load'] });
    expect(idsOf(results, 'not applicable')).toEqual(['dedup-key', 'state-save-load']);
  });

  test('and sends no heartbeats cannot be told from one that hangs', async () => {
    const results = await judge(['sends-no-heartbeats' satisfies V1Fault]);
    expect(idsOf(results, 'failed'), seenIn(results)).toEqual(['faulted-state', 'health-check']);
  });

  test.each([
    ['and first beats 5 s after its start', ['', '1', '5000']],
    ['and beats every 9 s', ['', '1', '9000']],
    ['but for its state, and beats every 5 s', ['', '1', '5000', 'state']],
  ])('%s is faulted when it freezes, and not before', async (_, args) => {
    const results = await judge(args, { only: ['health-check', 'faulted-state'], stepTimeoutMs: 10_000 });
    expect(idsOf(results, 'passed'), seenIn(results)).toEqual(['faulted-state', 'health-check']);
  });

  test('and ignores SIGTERM fails the graceful shutdown', async () => {
    const results = await judge(['ignores-sigterm' satisfies V1Fault], {
      only: ['graceful-shutdown', 'state-transitions'],
    });
    expect(idsOf(results, 'failed'), seenIn(results)).toEqual(['graceful-shutdown']);
  });

  test('and publishes thousands of messages at its start is judged all the same', async () => {
    const results = await judge(['', '3000'], { only: ['publish-envelope', 'acl-enforcement'] });
    expect(idsOf(results, 'passed'), seenIn(results)).toEqual(['acl-enforcement', 'publish-envelope']);
  });
});
