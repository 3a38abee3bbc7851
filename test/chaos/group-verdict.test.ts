import { expect, test } from 'vitest';
import type { LedgerEntry, PublisherEntry } from './entries.ts';
import { judgeGroup, togetherHoldAll } from './group-verdict.ts';

const published = new Map(
  Object.entries({
    p: [1, 2, 3].flatMap((number): PublisherEntry[] => [
      { kind: 'sent', topic: 't', number },
      { kind: 'answered', topic: 't', number, outcome: 'accepted' },
    ]),
  }),
);

const received = (number: number, marked = false): LedgerEntry => ({
  kind: 'received',
  ...{ publisher: 'p', topic: 't', number, messageId: `m${number}`, position: `${number}`, marked },
});

test.each<[string, Record<string, LedgerEntry[]>, string[]]>([
  ['each message at one member', { a: [received(1), received(3)], b: [received(2)] }, []],
  ['a marked repeat at another member', { a: [received(1), received(2)], b: [received(2, true), received(3)] }, []],
  ['a lost message', { a: [received(1)], b: [received(3)] }, ['lost by the group: p t 2']],
  [
    'a repeat at another member without a mark',
    { a: [received(1), received(2)], b: [received(2), received(3)] },
    ['repeated in the group without a mark: p t 2'],
  ],
  [
    'a first delivery after a later one',
    { a: [received(1), received(3), received(2)], b: [] },
    ['out of order at a: p t 2 after 3'],
  ],
])('the verdict on a group names %s', (_, journals, faults) => {
  const members = new Map(Object.entries(journals));
  expect(judgeGroup(published, '**', members)).toEqual(faults);
  const isLost = faults.some((fault) => fault.startsWith('lost'));
  expect(togetherHoldAll(published, '**')(members)).toBe(!isLost);
});
