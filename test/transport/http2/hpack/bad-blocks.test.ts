import { describe, expect, test } from 'vitest';
import { HeaderDecoder } from '../../../../src/transport/http2/hpack/header-decoder.ts';
import { HpackError } from '../../../../src/transport/http2/hpack/hpack-error.ts';
import { hex } from './hex.ts';
import { lines } from './lines.ts';

const limits = { tableBytes: 8_192, listBytes: 16_384 };

const bad: readonly { readonly title: string; readonly block: string; readonly error: RegExp }[] = [
  { title: 'index 0', block: '80', error: /names the field 0 of 61/ },
  { title: 'an index past an empty dynamic table', block: 'be', error: /names the field 62 of 61/ },
  { title: 'an index past a dynamic table of one', block: '4001610162 be bf', error: /names the field 63 of 62/ },
  { title: 'the largest index', block: 'ff ff ff ff 7f', error: /names the field 268435582 of 61/ },
  { title: 'a name by an index past the tables', block: '7e 00', error: /names the field 62 of 61/ },
  { title: 'a name not indexed by an index past the tables', block: '0f 2f 00', error: /names the field 62 of 61/ },
  { title: 'an integer of six bytes', block: 'ff 80 80 80 80 00', error: /more than 5 bytes/ },
  { title: 'an integer that never ends', block: `ff ${'ff'.repeat(100)}`, error: /more than 5 bytes/ },
  { title: 'an index cut short', block: 'ff', error: /ends within an integer/ },
  { title: 'an index cut short later', block: 'ff 80 80', error: /ends within an integer/ },
  { title: 'a length cut short', block: '00 7f', error: /ends within an integer/ },
  { title: 'a literal without a name', block: '40', error: /ends before a string/ },
  { title: 'a literal without a value', block: '40 01 61', error: /ends before a string/ },
  { title: 'a literal with an indexed name and no value', block: '44', error: /ends before a string/ },
  { title: 'a name cut short', block: '40 05 61', error: /5 bytes is announced, and its header block has 1 more/ },
  { title: 'a value cut short', block: '44 02 2f', error: /2 bytes is announced, and its header block has 1 more/ },
  { title: 'a string of 256 MiB', block: '44 7f ff ff ff 7f 2f', error: /268435582 bytes is announced/ },
  { title: 'a table larger than the limit', block: '3f e2 3f', error: /a table of 8193 bytes; 8192 are allowed/ },
  { title: 'a size update after a field', block: '82 20', error: /after its beginning/ },
  { title: 'three size updates', block: '20 20 20', error: /more than twice/ },
  { title: 'a size update cut short', block: '3f', error: /ends within an integer/ },
];

test.each(bad)('$title is refused', ({ block, error }) => {
  const decoder = new HeaderDecoder(limits);
  expect(() => decoder.decode(hex(block))).toThrow(HpackError);
  expect(() => new HeaderDecoder(limits).decode(hex(block))).toThrow(error);
});

describe('a Huffman-coded string', () => {
  const ending = /the last bits of a Huffman-coded string are not its end/;
  const endInside = /has the symbol for its end in it/;

  // "0" is five zeros, "a" 00011; what follows is filled with ones.
  test.each([
    { title: 'filled with zeros', string: '81 00', error: ending },
    { title: 'filled with a zero after ones', string: '81 06', error: ending },
    { title: 'filled with 8 bits', string: '82 1f ff', error: ending },
    { title: 'filled with 11 bits', string: '82 07 ff', error: ending },
    { title: 'of nothing but a byte of filling', string: '81 ff', error: ending },
    { title: 'of nothing but three bytes of filling', string: '83 ff ff ff', error: ending },
    { title: 'that ends within a code of 10 bits', string: '81 fe', error: ending },
    { title: 'that ends within a code of 28 bits', string: '83 ff ff fe', error: ending },
    { title: 'that ends with the symbol for its end', string: '84 ff ff ff ff', error: endInside },
    { title: 'with the symbol for its end before others', string: '86 ff ff ff fc 00 1f', error: endInside },
    { title: 'with the symbol for its end after others', string: '8a 00 00 0f ff ff ff ff ff ff ff', error: endInside },
  ])('$title is refused', ({ string, error }) => {
    expect(() => new HeaderDecoder(limits).decode(hex(`0401 2f 04 ${string}`))).toThrow(error);
    expect(() => new HeaderDecoder(limits).decode(hex(`00 ${string} 00`))).toThrow(error);
  });

  test.each([
    { title: 'of no bytes', string: '80', value: '' },
    { title: 'filled with 3 bits', string: '81 07', value: '0' },
    { title: 'filled with 7 bits', string: '83 02 8a 7f', value: '0  ' },
    { title: 'filled with no bit', string: '85 00 00 00 00 00', value: '00000000' },
    { title: 'with a code of 13 bits at its end', string: '82 ff c7', value: '\0' },
    { title: 'with a code of 30 bits', string: '85 ff ff ff f0 1f', value: '\n0' },
  ])('$title is read', ({ string, value }) => {
    expect(lines(new HeaderDecoder(limits).decode(hex(`04 ${string}`)).fields)).toEqual([`:path: ${value}`]);
  });
});

test.each([
  { title: 'no bytes', block: '', fields: [] },
  { title: 'two size updates', block: '20 3f e1 3f 82', fields: [':method: GET'] },
  { title: 'a size update alone', block: '3f e1 3f', fields: [] },
  { title: 'an integer of more bytes than it needs', block: '3f 80 80 80 00', fields: [] },
  { title: 'a field without name and value', block: '00 00 00', fields: [': '] },
  { title: 'an entry of the static table without value', block: '81', fields: [':authority: '] },
  { title: 'the last entry of the static table', block: 'bd', fields: ['www-authenticate: '] },
])('a block of $title is read', ({ block, fields }) => {
  expect(lines(new HeaderDecoder(limits).decode(hex(block)).fields)).toEqual(fields);
});
