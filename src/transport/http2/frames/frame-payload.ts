import { ConnectionError, StreamError } from './error-code.ts';

const nothing = Buffer.alloc(0);

/** The data of a frame with the flag PADDED: https://www.rfc-editor.org/rfc/rfc9113#section-6.1 */
export function withoutPadding(bytes: Buffer, from: number, to: number): Buffer {
  const padding = from < to ? bytes.readUInt8(from) : 0;
  if (from === to || from + 1 + padding > to) {
    throw new ConnectionError('PROTOCOL_ERROR', 'more padding than the frame has bytes');
  }
  return to - padding === from + 1 ? nothing : bytes.subarray(from + 1, to - padding);
}

/** A stream cannot depend on itself: https://www.rfc-editor.org/rfc/rfc7540#section-5.3.1 */
export function refuseSelfDependency(streamId: number, dependency: number): void {
  if ((dependency & 0x7fffffff) === streamId) {
    throw new StreamError(streamId, 'PROTOCOL_ERROR', 'a stream that depends on itself');
  }
}
