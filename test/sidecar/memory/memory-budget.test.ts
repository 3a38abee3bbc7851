import { expect, test } from 'vitest';
import { MemoryBudget } from '../../../src/sidecar/memory/memory-budget.ts';
import { heldBytesOf } from '../../../src/sidecar/memory/sidecar-memory.ts';

const mebibyte = 1024 * 1024;

test('refuses at once what does not fit, naming limit and value', () => {
  const budget = new MemoryBudget(100, 'messages on their way to the bus');
  budget.reserve(60);
  expect(() => budget.reserve(41)).toThrow(
    expect.objectContaining({
      code: 'RESOURCE_EXHAUSTED',
      message:
        "messages on their way to the bus hold 60 bytes of the sidecar's memory; 41 more would be over the limit of 100",
    }),
  );
  expect(budget.heldBytes).toBe(60);
  budget.reserve(40);
});

test('takes one message that is larger than the limit while nothing else is held', () => {
  const budget = new MemoryBudget(100, 'messages');
  budget.reserve(1_000);
  expect(budget.fits(1)).toBe(false);
});

test('tells of room, and only of that', () => {
  const budget = new MemoryBudget(100, 'messages');
  let told = 0;
  budget.onRoom(() => {
    told += 1;
  });
  budget.reserve(50);
  budget.adjust(10);
  expect(told).toBe(0);
  budget.release(60);
  expect(told).toBe(1);
  expect(budget.heldBytes).toBe(0);
});

test.each([
  [64, 4],
  [96, 8],
  [128, 16],
  [256, 48],
])('of %i MiB, messages may hold %i MiB', (limit, held) => {
  expect(heldBytesOf(limit * mebibyte)).toBe(held * mebibyte);
});
