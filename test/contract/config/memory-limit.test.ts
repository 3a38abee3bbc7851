import { expect, test } from 'vitest';
import { parseMemoryLimit } from '../../../src/contract/config/memory-limit.ts';

test.each([
  ['128M', 128 * 2 ** 20],
  ['128m', 128 * 2 ** 20],
  ['1G', 2 ** 30],
  ['512MB', 512 * 2 ** 20],
  [' 64M ', 64 * 2 ** 20],
  ['128', undefined],
  ['', undefined],
  ['0M', undefined],
  ['-1M', undefined],
  ['1.5G', undefined],
  ['lots', undefined],
])('MEMORY_LIMIT %o is %o bytes', (text, bytes) => {
  expect(parseMemoryLimit(text)).toBe(bytes);
});
