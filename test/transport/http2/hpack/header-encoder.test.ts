import { describe, expect, test } from 'vitest';
import { HeaderDecoder } from '../../../../src/transport/http2/hpack/header-decoder.ts';
import { HeaderEncoder, type SentField } from '../../../../src/transport/http2/hpack/header-encoder.ts';
import { hex } from './hex.ts';
import { lines } from './lines.ts';

function field(name: string, value: string, indexing: SentField['indexing'] = 'table'): SentField {
  return { name, value, indexing };
}

function blockOf(encoder: HeaderEncoder, fields: readonly SentField[]): string {
  return Buffer.from(encoder.encode(fields)).toString('hex');
}

function bytes(digits: string): string {
  return Buffer.from(hex(digits)).toString('hex');
}

test.each([
  { title: 'an entry of the static table', fields: [field(':method', 'POST')], block: '83' },
  { title: 'an entry of the static table without value', fields: [field('accept', '')], block: '93' },
  { title: 'a new value, Huffman-coded', fields: [field(':status', '302')], block: '48 82 64 02' },
  { title: 'a new name and value', fields: [field('\u00fe', '\u00ff')], block: '40 01 fe 01 ff' },
  { title: 'the same field twice', fields: [field('\u00fe', ''), field('\u00fe', '')], block: '40 01 fe 00 be' },
  {
    title: 'a new value of a name in the table',
    fields: [field('\u00fe', ''), field('\u00fe', '\u00ff')],
    block: '40 01 fe 00 7e 01 ff',
  },
  { title: 'a literal', fields: [field('aaa', 'aaa', 'literal')], block: '00 03 616161 03 616161' },
  { title: 'a literal whose name is in a table', fields: [field(':path', '/', 'literal')], block: '04 01 2f' },
  {
    title: 'a literal whose name has a large index',
    fields: [field('user-agent', 'a', 'literal')],
    block: '0f 2b 01 61',
  },
  { title: 'a secret', fields: [field('authorization', 'aaaa', 'never')], block: '1f 08 04 61616161' },
  { title: 'a secret that the static table has', fields: [field(':method', 'GET', 'never')], block: '12 03 474554' },
  { title: 'nothing', fields: [], block: '' },
])('$title is sent as $block', ({ fields, block }) => {
  expect(blockOf(new HeaderEncoder(), fields)).toBe(bytes(block));
});

test('a field that would take more than half of the table does not evict the others', () => {
  const encoder = new HeaderEncoder();
  const small = field('\u00fe', '');
  encoder.encode([small]);
  const large = field('\u00fe', '\u00ff'.repeat(2_048 - 32));
  expect(blockOf(encoder, [large])).toBe(bytes(`0f 2f 7f e1 0e ${'ff'.repeat(2_016)}`));
  expect(blockOf(encoder, [small])).toBe('be');
});

describe('the block of the same list', () => {
  const list = [field(':method', 'POST'), field('x', '1')];

  test('is the same object while the table does not change', () => {
    const encoder = new HeaderEncoder();
    const first = blockOf(encoder, list);
    expect(blockOf(encoder, list)).not.toBe(first);
    encoder.encode(list);
    const block = encoder.encode(list);
    expect(encoder.encode(list)).toBe(block);
    encoder.encode([...list, field('y', '1', 'literal')]);
    expect(encoder.encode(list)).toBe(block);
  });

  test('has other indexes after the table has changed', () => {
    const encoder = new HeaderEncoder();
    for (let index = 0; index < 3; index++) encoder.encode(list);
    expect(blockOf(encoder, list)).toBe('83be');
    encoder.encode([field('y', '1')]);
    for (let index = 0; index < 3; index++) expect(blockOf(encoder, list)).toBe('83bf');
  });

  test('begins with a size update when there is one', () => {
    const encoder = new HeaderEncoder();
    for (let index = 0; index < 3; index++) encoder.encode(list);
    encoder.limitTable(100);
    expect(blockOf(encoder, list)).toBe(bytes('3f45 83be'));
    expect(blockOf(encoder, list)).toBe('83be');
  });

  test('has no indexes after a size update has evicted what they named', () => {
    const encoder = new HeaderEncoder();
    const small = [field('\u00fe', '')];
    for (let index = 0; index < 3; index++) encoder.encode(small);
    encoder.limitTable(0);
    expect(blockOf(encoder, small)).toBe(bytes('20 00 01 fe 00'));
    for (let index = 0; index < 3; index++) expect(blockOf(encoder, small)).toBe(bytes('00 01 fe 00'));
  });

  test('stays as it was returned', () => {
    const encoder = new HeaderEncoder();
    const blocks: Uint8Array[] = [];
    for (let index = 0; index < 1_000; index++) blocks.push(encoder.encode([field('x', `${index}`, 'literal')]));
    const decoder = new HeaderDecoder({ tableBytes: 4_096, listBytes: 16_384 });
    expect(blocks.flatMap((block) => lines(decoder.decode(block).fields))).toEqual(
      blocks.map((_, index) => `x: ${index}`),
    );
  });
});

describe('the size of the table', () => {
  const x = field('\u00fe', '');

  test.each([
    { title: 'as large as at first', own: 4_096, peer: [4_096], update: '' },
    { title: 'larger than we use', own: 4_096, peer: [65_536], update: '' },
    { title: 'the largest that a setting can say', own: 4_096, peer: [2 ** 32 - 1], update: '' },
    { title: 'as large as we use', own: 8_192, peer: [8_192], update: '3f e1 3f' },
    { title: 'smaller', own: 4_096, peer: [100], update: '3f 45' },
    { title: 'none', own: 4_096, peer: [0], update: '20' },
    { title: 'none and then more', own: 4_096, peer: [0, 4_096], update: '20 3f e1 1f' },
    { title: 'smaller, then none, then less than at first', own: 4_096, peer: [100, 0, 50], update: '20 3f 13' },
    { title: 'never larger than ours', own: 100, peer: [], update: '3f 45' },
    { title: 'the same as before in the end', own: 4_096, peer: [8_192, 4_096], update: '' },
  ])('is told to a peer whose table is $title, once', ({ own, peer, update }) => {
    const encoder = new HeaderEncoder(own);
    for (const limit of peer) encoder.limitTable(limit);
    expect(blockOf(encoder, [])).toBe(bytes(update));
    expect(blockOf(encoder, [])).toBe('');
  });

  test('evicts what no longer fits', () => {
    const encoder = new HeaderEncoder();
    encoder.encode([x]);
    encoder.limitTable(32);
    encoder.limitTable(4_096);
    expect(blockOf(encoder, [x])).toBe(bytes('3f 01 3f e1 1f 40 01 fe 00'));
  });

  test('of 0 makes every field a literal', () => {
    const encoder = new HeaderEncoder();
    encoder.limitTable(0);
    expect(blockOf(encoder, [x, x])).toBe(bytes('20 00 01 fe 00 00 01 fe 00'));
  });
});
