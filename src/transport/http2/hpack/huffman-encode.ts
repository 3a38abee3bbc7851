import { codeLengths, codes } from './huffman-code.ts';

/** Bytes that the text takes when it is Huffman-coded. */
export function huffmanBytes(text: string): number {
  let bits = 0;
  for (let index = 0; index < text.length; index++) bits += codeLengths[text.charCodeAt(index) & 0xff] ?? 0;
  return (bits + 7) >> 3;
}

/** Writes the text, whose characters stand for bytes, Huffman-coded and returns the place after it. */
export function encodeHuffman(text: string, out: Uint8Array, start: number): number {
  let at = start;
  let window = 0;
  let bits = 0;
  for (let index = 0; index < text.length; index++) {
    const symbol = text.charCodeAt(index) & 0xff;
    const code = codes[symbol] ?? 0;
    let left = codeLengths[symbol] ?? 0;
    while (left > 0) {
      // At most 7 bits are in the window and 32 fit into it.
      const taken = Math.min(left, 16);
      left -= taken;
      window = (window << taken) | ((code >>> left) & ((1 << taken) - 1));
      bits += taken;
      while (bits >= 8) {
        bits -= 8;
        out[at++] = window >>> bits;
      }
    }
  }
  // The end of a string is filled with ones.
  if (bits > 0) out[at++] = (window << (8 - bits)) | (0xff >> bits);
  return at;
}
