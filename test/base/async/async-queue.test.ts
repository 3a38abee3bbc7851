import { expect, test } from 'vitest';
import { AsyncQueue } from '../../../src/base/async/async-queue.ts';

async function collect<T>(queue: AsyncQueue<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of queue) items.push(item);
  return items;
}

test('items come in the order they were pushed, before and while they are waited for', async () => {
  const queue = new AsyncQueue<number>();
  queue.push(1);
  queue.push(2);
  expect(queue.length).toBe(2);
  const collecting = collect(queue);
  await Promise.resolve();
  queue.push(3);
  queue.end();
  expect(await collecting).toEqual([1, 2, 3]);
  expect(queue.length).toBe(0);
});

test('what was pushed before the end is still taken, and nothing after it', async () => {
  const queue = new AsyncQueue<number>();
  queue.push(1);
  queue.end();
  queue.push(2);
  expect(await collect(queue)).toEqual([1]);
});

test('a failure is thrown at once, even with items left', async () => {
  const queue = new AsyncQueue<number>();
  queue.push(1);
  queue.push(2);
  const taken: number[] = [];
  const consume = async (): Promise<void> => {
    for await (const item of queue) {
      taken.push(item);
      queue.fail(new Error('first'));
      queue.fail(new Error('second'));
    }
  };
  await expect(consume()).rejects.toThrow('first');
  expect(taken).toEqual([1]);
});

test('a failure wakes a consumer that waits', async () => {
  const queue = new AsyncQueue<number>();
  const collecting = collect(queue);
  await new Promise((resolve) => setImmediate(resolve));
  queue.fail(new Error('broken'));
  await expect(collecting).rejects.toThrow('broken');
});

test('a failure after the end changes nothing', async () => {
  const queue = new AsyncQueue<number>();
  queue.push(1);
  queue.end();
  queue.fail(new Error('late'));
  expect(await collect(queue)).toEqual([1]);
});

test('nothing is pushed after a failure', () => {
  const queue = new AsyncQueue<number>();
  queue.fail(new Error('broken'));
  queue.push(1);
  expect(queue.length).toBe(0);
});
