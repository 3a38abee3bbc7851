import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomBelow, seededRandom, systemRandom } from '../../src/base/random.ts';

test('seeded chance is in [0, 1) and the same for the same seed', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const [one, two] = [seededRandom(seed), seededRandom(seed)];
      for (let index = 0; index < 50; index += 1) {
        const drawn = one.next();
        expect(drawn).toBeGreaterThanOrEqual(0);
        expect(drawn).toBeLessThan(1);
        expect(two.next()).toBe(drawn);
      }
    }),
  );
});

test('a whole number below a bound reaches every number below it and no other', () => {
  for (const random of [seededRandom(3), systemRandom]) {
    const drawn = new Set(Array.from({ length: 500 }, () => randomBelow(random, 4)));
    expect([...drawn].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);
  }
});
