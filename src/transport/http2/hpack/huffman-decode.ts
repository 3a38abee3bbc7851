import { HpackError } from './hpack-error.ts';
import { codeLengths, codes, endOfString, longestBits, symbolsByCode } from './huffman-code.ts';

/** Codes of so many bits or fewer are found by one look into a table. Nearly all of ASCII that headers use has them. */
const windowBits = 8;

/** For each window of bits that begins with a short code: the symbol, and in the low 4 bits the code's length. */
const shortCodes = shortCodesByWindow();

/** For each length: the first code that is past the codes of this length, and what leads from a code to its place in `symbolsByCode`. */
const { pastCodes, placesBefore } = longCodesByLength();

/**
 * Writes the string that bytes from `start` to `end` encode into `out`, which holds 8/5 as many, and returns its length.
 * @throws HpackError https://www.rfc-editor.org/rfc/rfc7541#section-5.2
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let at = start;
  let window = 0;
  let bits = 0;
  /** How many of the bits are past the end: ones, as the end of a string is filled. */
  let filled = 0;
  let written = 0;
  for (;;) {
    while (bits <= 24) {
      if (at < end) window = (window << 8) | (bytes[at++] ?? 0);
      else {
        window = (window << 8) | 0xff;
        filled += 8;
      }
      bits += 8;
    }
    if (bits <= filled) return written;
    const short = shortCodes[(window >>> (bits - windowBits)) & 0xff] ?? 0;
    if (short !== 0) {
      bits -= short & 15;
      if (bits < filled) throw new HpackError('a Huffman-coded string ends within a code');
      out[written++] = short >> 4;
      continue;
    }
    const position = at * 8 - (bits - filled);
    const left = end * 8 - position;
    const long = longCodeAt(bytes, position, end);
    const length = long & 31;
    if (length > left) {
      if (left < 8 && long >> 5 === endOfString) return written;
      throw new HpackError('the last bits of a Huffman-coded string are not its end');
    }
    if (long >> 5 === endOfString) throw new HpackError('a Huffman-coded string has the symbol for its end in it');
    out[written++] = long >> 5;
    const after = position + length;
    at = (after + 7) >> 3;
    bits = at * 8 - after;
    window = bytes[at - 1] ?? 0;
    filled = 0;
  }
}

/** The symbol of the code at a bit, and in the low 5 bits the code's length. */
function longCodeAt(bytes: Uint8Array, position: number, end: number): number {
  const at = position >> 3;
  const offset = position & 7;
  let window = 0;
  for (let index = at; index < at + 4; index++) window = (window << 8) | (index < end ? (bytes[index] ?? 0) : 0xff);
  const next = at + 4 < end ? (bytes[at + 4] ?? 0) : 0xff;
  const aligned = ((window << offset) | (next >> (8 - offset))) >>> 0;
  let length = windowBits + 1;
  while (aligned >>> (32 - length) >= (pastCodes[length] ?? 0)) length += 1;
  const symbol = symbolsByCode[(aligned >>> (32 - length)) + (placesBefore[length] ?? 0)] ?? endOfString;
  return (symbol << 5) | length;
}

function shortCodesByWindow(): Uint16Array {
  const table = new Uint16Array(1 << windowBits);
  for (const [symbol, length] of codeLengths.entries()) {
    const free = windowBits - length;
    if (free < 0) continue;
    const first = (codes[symbol] ?? 0) << free;
    table.fill((symbol << 4) | length, first, first + (1 << free));
  }
  return table;
}

function longCodesByLength(): { readonly pastCodes: Uint32Array; readonly placesBefore: Int32Array } {
  const pastCodes = new Uint32Array(longestBits + 1);
  const placesBefore = new Int32Array(longestBits + 1);
  let place = 0;
  let past = 0;
  for (let length = 1; length <= longestBits; length++) {
    past *= 2;
    placesBefore[length] = place - past;
    const ofLength = codeLengths.filter((each) => each === length).length;
    past += ofLength;
    place += ofLength;
    pastCodes[length] = past;
  }
  return { pastCodes, placesBefore };
}
