import { describe, expect, test } from 'vitest';
import { HeaderDecoder } from '../../../../src/transport/http2/hpack/header-decoder.ts';
import { HeaderEncoder, type SentField } from '../../../../src/transport/http2/hpack/header-encoder.ts';
import { hex } from './hex.ts';
import { dynamicTable, lines } from './lines.ts';
import { connections, type Example } from './rfc-examples.ts';

const limits = { tableBytes: 4_096, listBytes: 16_384 };

/** An update to 256 bytes, which the examples have agreed on before. */
const resize = hex('3f e1 01');

describe.each(connections)('appendix $title', ({ tableBytes, examples }) => {
  const cases = examples.map((example, index) => ({ ...example, before: examples.slice(0, index) }));

  test.each(cases)('decodes $title', ({ before, block, fields, table, tableBytes: bytes }) => {
    const decoder = new HeaderDecoder(limits);
    if (tableBytes === 256) decoder.decode(resize);
    for (const earlier of before) decoder.decode(hex(earlier.block));
    expect(lines(decoder.decode(hex(block)).fields)).toEqual(fields);
    const entries = dynamicTable(decoder);
    expect(lines(entries)).toEqual(table);
    expect(entries.reduce((sum, { size }) => sum + size, 0)).toBe(bytes);
  });
});

test('the encoder sends what appendix C.4 sends', () => {
  const encoder = new HeaderEncoder();
  expect(sentBlocks(encoder, 'C.4')).toEqual(blocksOf('C.4'));
});

test('the encoder sends what appendix C.6 sends, and not Huffman-coded what would be no shorter', () => {
  const encoder = new HeaderEncoder(256);
  expect(Uint8Array.from(encoder.encode([]))).toEqual(resize);
  expect(sentBlocks(encoder, 'C.6')).toEqual([blocksOf('C.6')[0], blocksOf('C.5')[1], blocksOf('C.6')[2]]);
});

function sent(line: string): SentField {
  const [, name = '', value = ''] = /^(:?[^:]*): (.*)$/.exec(line) ?? [];
  return { name, value, indexing: 'table' };
}

function examplesOf(title: string): readonly Example[] {
  return connections.find((connection) => connection.title === title)?.examples ?? [];
}

function blocksOf(title: string): Uint8Array[] {
  return examplesOf(title).map(({ block }) => hex(block));
}

function sentBlocks(encoder: HeaderEncoder, title: string): Uint8Array[] {
  return examplesOf(title).map(({ fields }) => Uint8Array.from(encoder.encode(fields.map(sent))));
}
