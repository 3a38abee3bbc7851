import { expect, test } from 'vitest';
import { AsyncQueue } from '../../../src/base/async/async-queue.ts';
import { InterruptibleIterable } from '../../../src/base/async/interruptible-iterable.ts';

async function collect(iterable: AsyncIterable<number>, taken: number[]): Promise<void> {
  for await (const item of iterable) taken.push(item);
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('passes everything on until the source ends', async () => {
  const [queue, taken] = [new AsyncQueue<number>(), [] as number[]];
  const collecting = collect(new InterruptibleIterable(queue[Symbol.asyncIterator]()), taken);
  for (const item of [1, 2, 3]) queue.push(item);
  queue.end();
  await collecting;
  expect(taken).toEqual([1, 2, 3]);
});

test('throws what interrupts it while it waits, the first of several', async () => {
  const [queue, taken] = [new AsyncQueue<number>(), [] as number[]];
  const interruptible = new InterruptibleIterable(queue[Symbol.asyncIterator]());
  const collecting = collect(interruptible, taken);
  queue.push(1);
  await turn();
  interruptible.interrupt(new Error('first'));
  interruptible.interrupt(new Error('second'));
  await expect(collecting).rejects.toThrow('first');
  expect(taken).toEqual([1]);
});

test('throws what interrupted it before it began', async () => {
  const queue = new AsyncQueue<number>();
  queue.push(1);
  const interruptible = new InterruptibleIterable(queue[Symbol.asyncIterator]());
  interruptible.interrupt(new Error('stop'));
  await expect(collect(interruptible, [])).rejects.toThrow('stop');
});

test('throws the failure of its source', async () => {
  const queue = new AsyncQueue<number>();
  queue.fail(new Error('broken'));
  await expect(collect(new InterruptibleIterable(queue[Symbol.asyncIterator]()), [])).rejects.toThrow('broken');
});

test('gives what is there already without a wait, until it is interrupted', () => {
  const items = [1, 2, 3];
  const interruptible = new InterruptibleIterable<number>({
    next: () => Promise.reject(new Error('nobody waits')),
    takeReady: () => items.shift(),
  });
  const iterator = interruptible[Symbol.asyncIterator]();
  expect([iterator.takeReady?.(), iterator.takeReady?.()]).toEqual([1, 2]);
  interruptible.interrupt(new Error('stop'));
  expect(iterator.takeReady?.()).toBeUndefined();
  expect(items).toEqual([3]);
});
