import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecentSequences } from '../../../src/bus/quotas/recent-sequences.ts';

const range = (from: number, to: number): bigint[] =>
  Array.from({ length: to - from }, (_none, index) => BigInt(from + index));

test('the last of those without gaps are remembered, and none before', () => {
  const recent = new RecentSequences(1_000);
  for (const sequence of range(1, 5_001)) recent.add(sequence);
  expect(range(4_001, 5_001).every((sequence) => recent.has(sequence))).toBe(true);
  expect(range(0, 4_001).some((sequence) => recent.has(sequence))).toBe(false);
});

test('nothing is remembered that was not added, whatever gaps there are', () => {
  const sequence = fc.oneof(fc.bigInt({ min: 0n, max: 500n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
  fc.assert(
    fc.property(fc.array(sequence, { maxLength: 200 }), fc.array(sequence), (added, asked) => {
      const recent = new RecentSequences(128);
      for (const each of added) {
        recent.add(each);
        expect(recent.has(each)).toBe(each < 2n ** 53n);
      }
      for (const each of asked) if (recent.has(each)) expect(added).toContain(each);
    }),
  );
});

test('the sequence 0 is not remembered before it is added', () => {
  expect(new RecentSequences(64).has(0n)).toBe(false);
});
