import { expect, test } from 'vitest';
import { Wakeup } from '../../../src/base/async/wakeup.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Counts how often a loop that waits was let go on. */
function counted(wakeup: Wakeup): { readonly count: () => number } {
  let count = 0;
  void (async () => {
    for (;;) {
      await wakeup.wait();
      count += 1;
    }
  })();
  return { count: () => count };
}

test('a notification that comes before the wait is not lost, and several count as one', async () => {
  const wakeup = new Wakeup();
  for (let times = 0; times < 3; times += 1) wakeup.notify();
  const loop = counted(wakeup);
  await turn();
  expect(loop.count()).toBe(1);
});

test('each notification of a waiting loop lets it go on once', async () => {
  const wakeup = new Wakeup();
  const loop = counted(wakeup);
  await turn();
  expect(loop.count()).toBe(0);
  for (const expected of [1, 2]) {
    wakeup.notify();
    await turn();
    expect(loop.count()).toBe(expected);
  }
});
