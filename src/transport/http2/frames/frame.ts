/** Types of frames: https://www.rfc-editor.org/rfc/rfc9113#section-6 */
export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags of frames. One bit means END_STREAM or ACK, by the type. */
export const frameFlag = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

/** §4.1 */
export const frameHeaderBytes = 9;

/** The largest payload that every peer takes, and that we take: https://www.rfc-editor.org/rfc/rfc9113#section-4.2 */
export const frameBytesMax = 16_384;

/** The windows of a new connection and, without a setting, of a new stream: §6.9.2 */
export const initialWindowBytes = 65_535;

/** §6.9.1 */
export const windowBytesMax = 2 ** 31 - 1;

/** A client's first bytes: https://www.rfc-editor.org/rfc/rfc9113#section-3.4 */
export const clientPreface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
