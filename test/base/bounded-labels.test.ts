import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BoundedLabels, otherLabel } from '../../src/base/bounded-labels.ts';

test('the first values keep their names, later ones are other', () => {
  const labels = new BoundedLabels(2);
  expect(['a', 'b', 'c', 'a'].map((value) => labels.take(value))).toEqual(['a', 'b', otherLabel, 'a']);
});

test('a value that may not use up room is itself only once another took it', () => {
  const labels = new BoundedLabels(2);
  expect(labels.known('a')).toBe(otherLabel);
  labels.take('a');
  expect(labels.known('a')).toBe('a');
});

test('there are never more distinct values than the bound and other', () => {
  fc.assert(
    fc.property(fc.nat({ max: 20 }), fc.array(fc.string()), (max, values) => {
      const labels = new BoundedLabels(max);
      const shown = new Set(values.map((value) => labels.take(value)));
      shown.delete(otherLabel);
      return shown.size <= max;
    }),
  );
});
