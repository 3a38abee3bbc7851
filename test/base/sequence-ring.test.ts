import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SequenceRing } from '../../src/base/sequence-ring.ts';

interface Value {
  readonly number: number;
}

function ringOf(count: number): SequenceRing<Value> {
  const ring = new SequenceRing<Value>();
  for (let number = 1; number <= count; number += 1) ring.push({ number });
  return ring;
}

describe('a ring of numbered values', () => {
  test('does what a map with ascending keys does', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.constant('push' as const) },
      { weight: 2, arbitrary: fc.constant('delete first' as const) },
      { weight: 1, arbitrary: fc.nat(120) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const ring = new SequenceRing<Value>();
        const model = new Map<number, Value>();
        let next = 1;
        for (const taken of steps) {
          if (taken === 'push') {
            const value = { number: next };
            ring.push(value);
            model.set(next, value);
            next += 1;
          } else {
            const number = taken === 'delete first' ? ring.first : taken;
            expect(ring.delete(number)).toBe(model.get(number));
            model.delete(number);
          }
          expect([...ring]).toEqual([...model.values()]);
          expect({ size: ring.size, next: ring.next }).toEqual({ size: model.size, next });
          expect(ring.first).toBe([...model.keys()][0] ?? next);
          expect(ring.oldest).toBe([...model.values()][0]);
        }
        for (let number = 0; number <= next; number += 1) expect(ring.get(number)).toBe(model.get(number));
      }),
    );
  });

  test('keeps all values while it grows and shrinks over thousands', () => {
    const ring = ringOf(5_000);
    expect([...ring].map(({ number }) => number)).toEqual(Array.from({ length: 5_000 }, (_none, index) => index + 1));
    for (let number = 1; number <= 4_990; number += 1) expect(ring.delete(number)).toEqual({ number });
    ring.push({ number: 5_001 });
    expect([...ring].map(({ number }) => number)).toEqual([
      4_991, 4_992, 4_993, 4_994, 4_995, 4_996, 4_997, 4_998, 4_999, 5_000, 5_001,
    ]);
  });

  test('leaves out what is deleted while it is iterated', () => {
    const ring = ringOf(4);
    const seen: number[] = [];
    for (const { number } of ring) {
      seen.push(number);
      if (number === 1) for (const other of [1, 2, 3]) ring.delete(other);
    }
    expect(seen).toEqual([1, 4]);
  });
});
