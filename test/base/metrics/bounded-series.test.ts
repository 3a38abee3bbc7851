import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BoundedSeries, otherLabel } from '../../../src/base/metrics/bounded-series.ts';

const bounded = (max: number) => new BoundedSeries(max, (label) => ({ label }));

test('the first values get series of their own, later ones share those of other', () => {
  const series = bounded(2);
  expect(['a', 'b', 'c', 'a'].map((value) => series.take(value).label)).toEqual(['a', 'b', otherLabel, 'a']);
  expect(series.take('a')).toBe(series.take('a'));
  expect(series.take('c')).toBe(series.take('d'));
});

test('a value that may not use up room gets series of its own only once another took them', () => {
  const series = bounded(2);
  expect(series.known('a').label).toBe(otherLabel);
  series.take('a');
  expect(series.known('a').label).toBe('a');
});

test('series are never made for more distinct values than the bound and other', () => {
  fc.assert(
    fc.property(fc.nat({ max: 20 }), fc.array(fc.string()), (max, values) => {
      const made: string[] = [];
      const series = new BoundedSeries(max, (label) => made.push(label));
      for (const value of values) series.take(value);
      return made.length <= max + 1;
    }),
  );
});
