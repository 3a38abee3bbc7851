import { expect, test } from 'vitest';
import { Turns } from '../../../src/base/async/turns.ts';

test('no more work runs at once than has a turn, the rest follows in order, and a failure gives its turn back', async () => {
  const turns = new Turns(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const results = Array.from({ length: 5 }, (_, index) =>
    turns
      .take(async () => {
        begun.push(index);
        await new Promise<void>((resolve) => {
          ends[index] = resolve;
        });
        if (index === 1) throw new Error('it fails');
        return index;
      })
      .catch((error: Error) => error.message),
  );
  expect(begun).toEqual([0, 1]);
  ends[1]?.();
  await results[1];
  await expect.poll(() => begun).toEqual([0, 1, 2]);
  for (const next of [0, 2, 3, 4]) {
    ends[next]?.();
    await results[next];
  }
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  expect(await Promise.all(results)).toEqual([0, 'it fails', 2, 3, 4]);
  expect(await turns.take(async () => 'free again')).toBe('free again');
});
