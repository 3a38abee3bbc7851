import { expect, test } from 'vitest';
import { BlockReader } from '../../../../src/transport/http2/hpack/block-reader.ts';
import { BlockWriter } from '../../../../src/transport/http2/hpack/block-writer.ts';
import { hex } from './hex.ts';

function written(pattern: number, mask: number, value: number): Uint8Array {
  const writer = new BlockWriter();
  writer.start(16);
  writer.integer(pattern, mask, value);
  return Uint8Array.from(writer.end());
}

function read(mask: number, bytes: Uint8Array): number {
  const reader = new BlockReader();
  reader.start(bytes);
  const value = reader.integer(mask);
  expect(reader.isAtEnd).toBe(true);
  return value;
}

test.each([
  { title: 'C.1.1', value: 10, mask: 0x1f, bytes: '0a' },
  { title: 'C.1.2', value: 1_337, mask: 0x1f, bytes: '1f 9a 0a' },
  { title: 'C.1.3', value: 42, mask: 0xff, bytes: '2a' },
])('the integer of RFC 7541, appendix $title, is read and written', ({ value, mask, bytes }) => {
  expect(read(mask, hex(bytes))).toBe(value);
  expect(written(0, mask, value)).toEqual(hex(bytes));
});

test.each([0x0f, 0x1f, 0x3f, 0x7f])('integers are read as they were written after the mask %i', (mask) => {
  const sizes = [0, 2 ** 7, 2 ** 14, 2 ** 21, 2 ** 28 - 200];
  const borders = sizes.flatMap((size) => [size - 1, size, size + 1]);
  for (const value of [...borders, ...borders.map((border) => border + mask)].filter((each) => each >= 0)) {
    const bytes = written(0xff & ~mask, mask, value);
    expect((bytes[0] ?? 0) & ~mask).toBe(0xff & ~mask);
    expect(read(mask, bytes)).toBe(value);
  }
});
