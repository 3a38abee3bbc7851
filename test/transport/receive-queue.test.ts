import { expect, test } from 'vitest';
import { ReceiveQueue } from '../../src/transport/receive-queue.ts';

function queueOf(...texts: readonly string[]) {
  const takenBytes: number[] = [];
  const queue = new ReceiveQueue<string>({
    decode: (bytes) => {
      const text = Buffer.from(bytes).toString();
      if (text === 'broken') throw new Error('cannot be decoded');
      return text;
    },
    onTaken: (byteLength) => takenBytes.push(byteLength),
  });
  for (const text of texts) queue.push(Buffer.from(text));
  return { queue, takenBytes, reader: queue[Symbol.asyncIterator]() };
}

test('gives a burst without a wait, and then waits', async () => {
  const { queue, takenBytes, reader } = queueOf('a', 'bb');
  expect([reader.takeReady?.(), reader.takeReady?.(), reader.takeReady?.()]).toEqual(['a', 'bb', undefined]);
  expect(takenBytes).toEqual([1, 2]);
  expect(queue.bytes).toBe(0);
  const next = reader.next();
  queue.push(Buffer.from('ccc'));
  expect(await next).toEqual({ done: false, value: 'ccc' });
});

test('gives nothing more once it has failed, and then throws the failure', async () => {
  const { queue, takenBytes, reader } = queueOf('a', 'bb');
  queue.fail(new Error('lost'));
  expect(reader.takeReady?.()).toBeUndefined();
  await expect(reader.next()).rejects.toThrow('lost');
  expect(takenBytes).toEqual([1, 2]);
  expect(await reader.next()).toEqual({ done: true, value: undefined });
});

test('ends after the last message', async () => {
  const { queue, reader } = queueOf('a');
  queue.end();
  expect(await reader.next()).toEqual({ done: false, value: 'a' });
  expect(reader.takeReady?.()).toBeUndefined();
  expect(await reader.next()).toEqual({ done: true, value: undefined });
});

test.each(['next', 'takeReady'] as const)('discards what follows a message that `%s` cannot decode', async (by) => {
  const { queue, takenBytes, reader } = queueOf('broken', 'bb');
  await expect(async () => reader[by]?.()).rejects.toThrow('cannot be decoded');
  queue.push(Buffer.from('ccc'));
  expect(takenBytes).toEqual([6, 2, 3]);
  expect(await reader.next()).toEqual({ done: true, value: undefined });
});

test('discards what comes after its reader has left', async () => {
  const { queue, takenBytes, reader } = queueOf('a');
  await reader.return?.();
  queue.push(Buffer.from('bb'));
  expect(takenBytes).toEqual([1, 2]);
  expect(queue.length).toBe(0);
});

test('is read by one reader', () => {
  expect(() => queueOf().queue[Symbol.asyncIterator]()).toThrow('only once');
});
