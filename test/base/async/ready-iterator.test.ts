import { expect, test } from 'vitest';
import { forEachReady, type ReadyIterator } from '../../../src/base/async/ready-iterator.ts';

/** Gives each burst by one wait, and ends after the last. */
function burstsOf(...bursts: readonly number[][]) {
  const left = bursts.map((burst) => [...burst]);
  const calls = { next: 0, return: 0 };
  const iterator: ReadyIterator<number> = {
    async next() {
      calls.next += 1;
      if (left[0]?.length === 0) left.shift();
      const value = left[0]?.shift();
      return value === undefined ? { done: true, value } : { done: false, value };
    },
    takeReady: () => left[0]?.shift(),
    async return() {
      calls.return += 1;
      return { done: true, value: undefined };
    },
  };
  return { iterator, calls };
}

test('each item is handled once, and a burst takes one wait', async () => {
  const { iterator, calls } = burstsOf([1, 2, 3], [4]);
  const seen: number[] = [];
  await forEachReady(iterator, (item) => void seen.push(item));
  expect(seen).toEqual([1, 2, 3, 4]);
  expect(calls).toEqual({ next: 3, return: 0 });
});

test('the next item is taken when the promise of the one before has resolved', async () => {
  const { iterator } = burstsOf([1, 2]);
  const seen: string[] = [];
  await forEachReady(iterator, async (item) => {
    seen.push(`${item} begins`);
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(`${item} ends`);
  });
  expect(seen).toEqual(['1 begins', '1 ends', '2 begins', '2 ends']);
});

test('an item that fails ends the reading', async () => {
  const { iterator, calls } = burstsOf([1, 2, 3]);
  const seen: number[] = [];
  const handling = forEachReady(iterator, (item) => {
    seen.push(item);
    if (item === 2) throw new Error('no');
    return undefined;
  });
  await expect(handling).rejects.toThrow('no');
  expect(seen).toEqual([1, 2]);
  expect(calls.return).toBe(1);
});
