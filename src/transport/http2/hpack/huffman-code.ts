/** The symbol that ends a string and must not be in one; the bits that fill the last byte are its first ones. */
export const endOfString = 256;

const shortestBits = 5;
export const longestBits = 30;

/**
 * The bits of each symbol's code: https://www.rfc-editor.org/rfc/rfc7541#appendix-B
 * The codes follow from them: they count up, by length and then by symbol.
 */
const lengths = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
];

export const codeLengths = Uint8Array.from(lengths);

/** Symbols in the order of their codes. */
export const symbolsByCode: Uint16Array = Uint16Array.from(
  lengths.map((_, symbol) => symbol).sort((a, b) => (lengths[a] ?? 0) - (lengths[b] ?? 0) || a - b),
);

/** The code of each symbol, in as many low bits as its length says. */
export const codes: Uint32Array = codesOf();

function codesOf(): Uint32Array {
  const table = new Uint32Array(lengths.length);
  let code = 0;
  let bits = shortestBits;
  for (const symbol of symbolsByCode) {
    const length = codeLengths[symbol] ?? 0;
    code <<= length - bits;
    bits = length;
    table[symbol] = code;
    code += 1;
  }
  return table;
}
