/** What a peer sent is not a header block. Its connection must end with COMPRESSION_ERROR: https://www.rfc-editor.org/rfc/rfc9113#section-4.3 */
export class HpackError extends Error {
  override readonly name = 'HpackError';
}
