import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PatternIndex } from '../../../src/bus/session/pattern-index.ts';
import { matchTopic, patternProblem } from '../../../src/contract/wire/topics/topic.ts';

const segment = fc.constantFrom('a', 'b', 'c', 'constructor', '__proto__');
const topic = fc.array(segment, { minLength: 1, maxLength: 5 }).map((segments) => segments.join('.'));
const pattern = fc
  .tuple(fc.array(fc.oneof(segment, fc.constant('*')), { maxLength: 4 }), fc.constantFrom('a', 'b', '*', '**'))
  .map(([segments, last]) => [...segments, last].join('.'));

test('the index finds what the plain matcher finds, whatever was added and removed', () => {
  const steps = fc.array(fc.record({ pattern, value: fc.integer({ min: 0, max: 5 }), isRemoval: fc.boolean() }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(steps, fc.array(topic, { maxLength: 20 }), (all, topics) => {
      const index = new PatternIndex<number>();
      const model = new Set<string>();
      for (const step of all) {
        expect(patternProblem(step.pattern)).toBeUndefined();
        const key = `${step.value} ${step.pattern}`;
        if (step.isRemoval) model.delete(key);
        else model.add(key);
        if (step.isRemoval) index.remove(step.pattern, step.value);
        else index.add(step.pattern, step.value);
      }
      for (const each of topics) {
        const expected = [...model].map((key) => key.split(' ')).filter(([, own = '']) => matchTopic(own, each));
        expect(ascending(index.matching(each))).toEqual(ascending(expected.map(([value]) => Number(value))));
      }
    }),
    { numRuns: 500 },
  );
});

function ascending(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b);
}
