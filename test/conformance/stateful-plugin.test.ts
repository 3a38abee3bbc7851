import { describe, expect, test } from 'vitest';
import { idsOf, judgeOf, seenIn } from './judge-plugin.ts';
import type { Keeping, Publishing } from './stateful-plugin.ts';

const judge = judgeOf('stateful-plugin.ts');

describe.concurrent('the state of a plugin', () => {
  test.each<[keeping: Keeping, publishing: Publishing | undefined]>([
    ['saves-each-message', undefined],
    ['saves-each-message', 'once'],
    ['saves-each-message', 'each-message'],
    ['saves-when-it-stops', undefined],
    ['saves-when-it-stops', 'once'],
    ['loads-with-the-first-message', undefined],
    ['loads-with-the-first-message', 'each-message'],
  ])('that %s and publishes %s is seen, and nothing is failed', async (keeping, publishing) => {
    const results = await judge([keeping, ...(publishing ? [publishing] : [])]);
    expect(idsOf(results, 'failed'), seenIn(results)).toEqual([]);
    expect(idsOf(results, 'passed'), seenIn(results)).toContain('state-save-load');
    if (publishing) expect(idsOf(results, 'passed'), seenIn(results)).toContain('dedup-key');
  });
});
