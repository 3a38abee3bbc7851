import { describe, expect, test } from 'vitest';
import { HeaderDecoder } from '../../../../src/transport/http2/hpack/header-decoder.ts';
import { indexed, inserted, literal, tableSizeUpdate } from '../raw-frames.ts';
import { hex } from './hex.ts';
import { dynamicTable, lines } from './lines.ts';

const limits = { tableBytes: 4_096, listBytes: 16_384 };

describe('a list over the limit', () => {
  const tight = { tableBytes: 4_096, listBytes: 100 };
  // 37 bytes each.
  const field = literal('abc', 'de');

  test('is one whose fields count more bytes than it', () => {
    const decoder = new HeaderDecoder(tight);
    expect(decoder.decode(Buffer.concat([field, field]))).toMatchObject({ size: 74, isTooLarge: false });
    const large = decoder.decode(Buffer.concat([field, field, field]));
    expect(large).toMatchObject({ size: 111, isTooLarge: true, fields: [] });
    const full = decoder.decode(literal('a', 'b'.repeat(67)));
    expect(full).toMatchObject({ size: 100, isTooLarge: false });
    expect(full.fields).toHaveLength(1);
    expect(decoder.decode(literal('a', 'b'.repeat(68)))).toMatchObject({ size: 101, isTooLarge: true, fields: [] });
  });

  test('still changes the table', () => {
    const decoder = new HeaderDecoder(tight);
    const block = Buffer.concat([
      inserted('x', '1'),
      literal('y', 'y'.repeat(200)),
      inserted('z', '2'),
      inserted('z', '3'),
    ]);
    expect(decoder.decode(block).isTooLarge).toBe(true);
    expect(lines(dynamicTable(decoder))).toEqual(['z: 3', 'z: 2', 'x: 1']);
  });

  test('is refused as a block if its last byte is wrong', () => {
    const decoder = new HeaderDecoder(tight);
    expect(() => decoder.decode(Buffer.concat([literal('y', 'y'.repeat(200)), hex('80')]))).toThrow('field 0');
  });

  test('keeps none of the fields that an entry of 4 KiB was repeated to', () => {
    const decoder = new HeaderDecoder(limits);
    decoder.decode(inserted('x', 'y'.repeat(4_000)));
    const list = decoder.decode(new Uint8Array(60_000).fill(0xbe));
    expect(list).toMatchObject({ size: 60_000 * 4_033, isTooLarge: true, fields: [] });
  });
});

test('a field with the name of a table entry that no message may have has its problem', () => {
  const decoder = new HeaderDecoder(limits);
  const [bad, named, again] = decoder.decode(Buffer.concat([inserted('X', '1'), hex('7e 01 32 7e 01 33')])).fields;
  expect([bad, named, again].map((field) => field?.value)).toEqual(['1', '2', '3']);
  expect(new Set([bad, named, again].map((field) => field?.problem))).toEqual(
    new Set(['the name of a field has a character that is not allowed']),
  );
});

describe('a block of the same bytes', () => {
  const block = Buffer.concat([indexed(2), literal('x', '1')]);

  test('gives the same list, with what its reader derived', () => {
    const decoder = new HeaderDecoder(limits);
    const list = decoder.decode(block);
    list.derived = 'a method';
    expect(decoder.decode(Buffer.from(block))).toBe(list);
    expect(decoder.decode(block).derived).toBe('a method');
  });

  test('gives the same list after seven others, and after a change to the bytes that it was read from', () => {
    const decoder = new HeaderDecoder(limits);
    const bytes = Buffer.from(block);
    const list = decoder.decode(bytes);
    bytes.fill(0);
    for (let index = 0; index < 7; index++) decoder.decode(literal('y', `${index}`));
    expect(decoder.decode(block)).toBe(list);
  });

  test('gives other fields after the table has changed', () => {
    const decoder = new HeaderDecoder(limits);
    decoder.decode(inserted('x', '1'));
    const newest = indexed(62);
    const list = decoder.decode(newest);
    expect(lines(list.fields)).toEqual(['x: 1']);
    decoder.decode(inserted('x', '2'));
    expect(lines(decoder.decode(newest).fields)).toEqual(['x: 2']);
  });

  test('gives other fields after the table has changed and other blocks were read', () => {
    const decoder = new HeaderDecoder(limits);
    decoder.decode(Buffer.concat([inserted('x', '1'), inserted('y', '1')]));
    for (const index of [62, 63]) decoder.decode(indexed(index));
    decoder.decode(inserted('z', '1'));
    decoder.decode(indexed(1));
    expect([63, 62, 64].flatMap((index) => lines(decoder.decode(indexed(index)).fields))).toEqual([
      'y: 1',
      'z: 1',
      'x: 1',
    ]);
  });

  test('is refused after a size update has evicted what it names', () => {
    const decoder = new HeaderDecoder(limits);
    decoder.decode(inserted('x', '1'));
    decoder.decode(indexed(62));
    decoder.decode(tableSizeUpdate(0));
    expect(() => decoder.decode(indexed(62))).toThrow('field 62');
  });

  test('inserts its field again', () => {
    const decoder = new HeaderDecoder(limits);
    for (let index = 0; index < 3; index++) decoder.decode(inserted('x', '1'));
    expect(lines(dynamicTable(decoder))).toEqual(['x: 1', 'x: 1', 'x: 1']);
  });

  test('resizes the table again', () => {
    const decoder = new HeaderDecoder(limits);
    const emptied = Buffer.concat([tableSizeUpdate(0), tableSizeUpdate(4_096)]);
    for (let index = 0; index < 3; index++) {
      decoder.decode(inserted('x', '1'));
      decoder.decode(emptied);
    }
    expect(dynamicTable(decoder)).toEqual([]);
  });
});

describe('the dynamic table', () => {
  test('gives the very field that was inserted', () => {
    const decoder = new HeaderDecoder(limits);
    const [field] = decoder.decode(inserted('x', '1')).fields;
    expect(decoder.decode(indexed(62)).fields[0]).toBe(field);
  });

  test('keeps the newest of 1,000 fields that fit, whatever their order', () => {
    const decoder = new HeaderDecoder(limits);
    const all = Array.from({ length: 1_000 }, (_, index) => `x${index % 7}: ${index}`);
    for (const line of all) decoder.decode(inserted(...(line.split(': ') as [string, string])));
    // 37 bytes each.
    expect(lines(dynamicTable(decoder))).toEqual(all.reverse().slice(0, Math.floor(4_096 / 37)));
  });

  test.each([1, 15, 16, 17, 32, 33])('of %i fields has no more', (count) => {
    const decoder = new HeaderDecoder(limits);
    for (let index = 0; index < count; index++) decoder.decode(inserted('x', `${index}`));
    expect(lines(decoder.decode(indexed(61 + count)).fields)).toEqual(['x: 0']);
    expect(() => decoder.decode(indexed(62 + count))).toThrow(`field ${62 + count} of ${61 + count}`);
  });

  test('is emptied by a field that is larger', () => {
    const decoder = new HeaderDecoder(limits);
    decoder.decode(inserted('x', '1'));
    expect(decoder.decode(inserted('x', 'y'.repeat(4_096))).fields).toHaveLength(1);
    expect(dynamicTable(decoder)).toEqual([]);
  });

  test('takes a name of the entry that the new field evicts', () => {
    const decoder = new HeaderDecoder(limits);
    decoder.decode(inserted('name', 'y'.repeat(4_000)));
    const block = Buffer.concat([hex('7e'), hex('7f 21'), Buffer.alloc(160, 'z')]);
    expect(lines(decoder.decode(block).fields)).toEqual([`name: ${'z'.repeat(160)}`]);
    expect(lines(dynamicTable(decoder))).toEqual([`name: ${'z'.repeat(160)}`]);
  });

  test('starts with 4,096 bytes, and grows when the peer says so', () => {
    const large = ['a', 'b'].map((name) => inserted(name, 'y'.repeat(3_000)));
    const decoder = new HeaderDecoder({ ...limits, tableBytes: 8_192 });
    for (const block of large) decoder.decode(block);
    for (const block of [tableSizeUpdate(8_192), ...large]) decoder.decode(block);
    expect(dynamicTable(decoder).map(({ name }) => name)).toEqual(['b', 'a']);
  });

  test('may not be smaller than a peer expects before it has read our settings', () => {
    expect(() => new HeaderDecoder({ ...limits, tableBytes: 4_095 })).toThrow(RangeError);
  });
});
