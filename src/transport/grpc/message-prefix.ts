/** In front of each message: one byte that says whether it is compressed, and its length. */
export const prefixBytes = 5;

const scratch = new Uint8Array(prefixBytes);

/**
 * The prefix of an uncompressed message, valid until the next call.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests
 */
export function messagePrefix(byteLength: number): Uint8Array {
  scratch[1] = byteLength >>> 24;
  scratch[2] = byteLength >>> 16;
  scratch[3] = byteLength >>> 8;
  scratch[4] = byteLength;
  return scratch;
}
