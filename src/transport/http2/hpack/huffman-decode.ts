import { HpackError } from './hpack-error.ts';
import { codeLengths, codes, endOfString, longestBits, symbolsByCode } from './huffman-code.ts';

/** One look into a table finds the codes in so many bits: two, mostly, since what headers are made of has codes of 5 to 8. */
const windowBits = 12;
const windowMask = (1 << windowBits) - 1;

/** Bytes that may be written past the end of a string. */
const slackBytes = 1;

/**
 * For each window of bits the one or two symbols whose codes begin it, or 0 if the first code is longer. From the lowest bit:
 * 4 bits with the length of the codes together, 4 with that of the first, 2 with their number, 8 and 8 with the symbols.
 */
let table: Uint32Array | undefined;

/** For each length of codes: the first code past them, and what must be added to a code for its place in `symbolsByCode`. */
const { pastCodes, placesBefore } = codesByLength();

/** The most bytes that decoding so many may write. */
export function decodedBytesMax(bytes: number): number {
  return Math.floor((bytes * 8) / 5) + slackBytes;
}

/**
 * Writes the string that the bytes from `start` to `end` encode, and returns its length.
 * @throws HpackError https://www.rfc-editor.org/rfc/rfc7541#section-5.2
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  // Made for the first string, since a process may never receive one.
  table ??= symbolsByWindow();
  const symbols = table;
  let at = start;
  let window = 0;
  let bits = 0;
  let written = 0;
  for (;;) {
    if (bits < 16) {
      if (at + 2 > end) break;
      window = (window << 16) | ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      at += 2;
      bits += 16;
    }
    const found = symbols[(window >>> (bits - windowBits)) & windowMask] ?? 0;
    if (found !== 0) {
      bits -= found & 15;
      out[written] = found >>> 10;
      out[written + 1] = found >>> 18;
      written += (found >>> 8) & 3;
      continue;
    }
    const position = at * 8 - bits;
    if (position + 32 > end * 8) break;
    const long = longCode(bitsAt(bytes, position, end));
    out[written++] = symbolOf(long);
    const after = position + (long & 31);
    at = (after + 7) >> 3;
    bits = at * 8 - after;
    window = bytes[at - 1] ?? 0;
  }
  return decodeEnd(bytes, at * 8 - bits, end, out, written);
}

/** Decodes the last bits one symbol at a time. */
function decodeEnd(bytes: Uint8Array, start: number, end: number, out: Uint8Array, length: number): number {
  let position = start;
  let written = length;
  while (position < end * 8) {
    const window = bitsAt(bytes, position, end);
    const short = table?.[window >>> (32 - windowBits)] ?? 0;
    const long = short === 0 ? longCode(window) : 0;
    const after = position + (short === 0 ? long & 31 : (short >>> 4) & 15);
    if (after > end * 8) {
      if (end * 8 - position < 8 && window === 0xffff_ffff) break;
      throw new HpackError('the last bits of a Huffman-coded string are not its end');
    }
    out[written++] = short === 0 ? symbolOf(long) : short >>> 10;
    position = after;
  }
  return written;
}

/** The next 32 bits. Past the end they are ones, which is how a string is filled. */
function bitsAt(bytes: Uint8Array, position: number, end: number): number {
  const at = position >> 3;
  const offset = position & 7;
  let window = 0;
  for (let index = at; index < at + 4; index++) window = (window << 8) | (index < end ? (bytes[index] ?? 0) : 0xff);
  const next = at + 4 < end ? (bytes[at + 4] ?? 0) : 0xff;
  return ((window << offset) | (next >> (8 - offset))) >>> 0;
}

/** The symbol whose code begins the 32 bits and is longer than the table's, and in the low 5 bits the code's length. */
function longCode(window: number): number {
  let length = windowBits + 1;
  while (window >>> (32 - length) >= (pastCodes[length] ?? 0)) length += 1;
  const symbol = symbolsByCode[(window >>> (32 - length)) + (placesBefore[length] ?? 0)] ?? endOfString;
  return (symbol << 5) | length;
}

function symbolOf(long: number): number {
  if (long >> 5 === endOfString) throw new HpackError('a Huffman-coded string has the symbol for its end in it');
  return long >> 5;
}

function symbolsByWindow(): Uint32Array {
  const first = new Uint32Array(1 << windowBits);
  for (const [symbol, length] of codeLengths.entries()) {
    const free = windowBits - length;
    if (free < 0) continue;
    const window = (codes[symbol] ?? 0) << free;
    first.fill((symbol << 10) | (1 << 8) | (length << 4) | length, window, window + (1 << free));
  }
  return first.map((one, window) => {
    const length = one & 15;
    const two = first[(window << length) & windowMask] ?? 0;
    const lengths = length + (two & 15);
    if (one === 0 || two === 0 || lengths > windowBits) return one;
    return ((two >>> 10) << 18) | ((one >>> 10) << 10) | (2 << 8) | (length << 4) | lengths;
  });
}

function codesByLength(): { readonly pastCodes: Uint32Array; readonly placesBefore: Int32Array } {
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
