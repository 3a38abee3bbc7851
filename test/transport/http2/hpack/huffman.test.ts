import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HeaderDecoder } from '../../../../src/transport/http2/hpack/header-decoder.ts';
import { codeLengths, codes } from '../../../../src/transport/http2/hpack/huffman-code.ts';
import { encodeHuffman, huffmanBytes } from '../../../../src/transport/http2/hpack/huffman-encode.ts';
import { integer } from '../raw-frames.ts';

const limits = { tableBytes: 4_096, listBytes: 1_000_000 };

/** The value of a block that has it Huffman-coded. */
function decoded(coded: Uint8Array): string | undefined {
  const block = Buffer.concat([Buffer.from([0x04]), integer(0x80, 7, coded.length), coded]);
  return new HeaderDecoder(limits).decode(block).fields[0]?.value;
}

function encoded(text: string): Uint8Array {
  const out = new Uint8Array(huffmanBytes(text));
  expect(encodeHuffman(text, out, 0)).toBe(out.length);
  return out;
}

// Node's HTTP/2, in `node-http2.test.ts`, proves the others: it refuses values with these.
test.each([
  { symbol: 0, code: 0x1ff8, bits: 13 },
  { symbol: 1, code: 0x7fffd8, bits: 23 },
  { symbol: 9, code: 0xffffea, bits: 24 },
  { symbol: 10, code: 0x3ffffffc, bits: 30 },
  { symbol: 13, code: 0x3ffffffd, bits: 30 },
  { symbol: 22, code: 0x3ffffffe, bits: 30 },
  { symbol: 31, code: 0xffffffb, bits: 28 },
  { symbol: 127, code: 0xffffffc, bits: 28 },
  { symbol: 256, code: 0x3fffffff, bits: 30 },
])('the code of $symbol is that of RFC 7541, appendix B', ({ symbol, code, bits }) => {
  expect({ code: codes[symbol], bits: codeLengths[symbol] }).toEqual({ code, bits });
});

test('each byte is read as it was written, alone, between others and twice', () => {
  for (let code = 0; code < 256; code++) {
    const byte = String.fromCharCode(code);
    for (const text of [byte, `a${byte}`, `${byte}0`, `Z${byte}!`, byte + byte, byte.repeat(50)]) {
      expect(decoded(encoded(text))).toBe(text);
    }
  }
});

const latin1 = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const printable = fc.stringMatching(/^[\x20-\x7e]{0,400}$/);

test('every text is read as it was written', () => {
  fc.assert(fc.property(fc.oneof(latin1, printable), (text) => decoded(encoded(text)) === text));
});

test('a text of 100,000 characters is read as it was written', () => {
  const text = '0123456789abcdef~\u00ff\n'.repeat(5_000);
  expect(decoded(encoded(text))).toBe(text);
});
