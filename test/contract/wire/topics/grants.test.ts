import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { admitsPattern, type Grant, isAllowed, nearestGrant } from '../../../../src/contract/wire/topics/grants.ts';
import { matchTopic, topicProblem } from '../../../../src/contract/wire/topics/topic.ts';

const grants: readonly Grant[] = [
  { pattern: 'orders.*', action: 'publish' },
  { pattern: 'orders.eu.**', action: 'publish' },
  { pattern: 'orders.**', action: 'subscribe' },
];

describe('admission', () => {
  test('admits what a grant of the same action covers', () => {
    expect(isAllowed(grants, 'publish', 'orders.created')).toBe(true);
    expect(isAllowed(grants, 'publish', 'orders.us.created')).toBe(false);
    expect(isAllowed(grants, 'subscribe', 'orders.us.created')).toBe(true);
  });

  test('admits a pattern as wide as a grant or narrower, never a wider one', () => {
    expect(admitsPattern(grants, 'subscribe', 'orders.**')).toBe(true);
    expect(admitsPattern(grants, 'subscribe', 'orders.*.created')).toBe(true);
    expect(admitsPattern(grants, 'subscribe', '**')).toBe(false);
    expect(admitsPattern(grants, 'publish', 'orders.**')).toBe(false);
  });

  test('does not join two grants into a wider one', () => {
    const pair: Grant[] = [
      { pattern: 'a.*', action: 'subscribe' },
      { pattern: 'a.*.**', action: 'subscribe' },
    ];
    expect(admitsPattern(pair, 'subscribe', 'a.**')).toBe(false);
  });

  test('admits nothing without grants', () => {
    fc.assert(
      fc.property(fc.string(), (text) => !isAllowed([], 'publish', text) && !admitsPattern([], 'subscribe', text)),
    );
  });

  test.each(['orders.>', 'orders.', 'orders..a', '', 'orders.*', 'orders.é'])(
    'never admits the malformed topic "%s"',
    (text) => {
      expect(isAllowed([{ pattern: '**', action: 'publish' }, ...grants], 'publish', text)).toBe(false);
    },
  );

  test.each(['orders.>', 'orders.**.a', ''])('never admits the malformed pattern "%s"', (text) => {
    expect(admitsPattern([{ pattern: '**', action: 'subscribe' }], 'subscribe', text)).toBe(false);
  });

  test('admits a topic only if a listed grant of that action matches it, whatever the texts', () => {
    const text = fc.oneof(
      fc.array(fc.constantFrom('a', 'b', '*', '**', '>', ''), { maxLength: 4 }).map((list) => list.join('.')),
      fc.string(),
    );
    const grant = fc.record({ pattern: text, action: fc.constantFrom('publish' as const, 'subscribe' as const) });
    fc.assert(
      fc.property(fc.array(grant, { maxLength: 4 }), text, (list, topic) => {
        const listed = list.some((each) => each.action === 'publish' && matchTopic(each.pattern, topic));
        expect(isAllowed(list, 'publish', topic)).toBe(listed && topicProblem(topic) === undefined);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the nearest grant', () => {
  test.each([
    ['publish', 'orders.eu', 'orders.*'],
    ['publish', 'orders.us.created', 'orders.*'],
    ['publish', 'orders.eu', 'orders.*'],
    ['publish', 'billing.created', undefined],
    ['subscribe', 'orders', 'orders.**'],
  ] as const)('to %s on %s is %s', (action, text, expected) => {
    expect(nearestGrant(grants, action, text)?.pattern).toBe(expected);
  });
});
