import { ConnectionError } from './error-code.ts';
import { frameBytesMax, frameHeaderBytes } from './frame.ts';

/** One frame. Its payload is `bytes` from `from` to `to`, which are only valid during the call. */
export type OnFrame = (type: number, flags: number, streamId: number, bytes: Buffer, from: number, to: number) => void;

/** Splits what a socket gives into frames: https://www.rfc-editor.org/rfc/rfc9113#section-4.1 */
export class FrameReader {
  readonly #onFrame: OnFrame;
  /** The beginning of a frame whose rest has not come yet. */
  #beginning: Buffer | undefined;

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  /** @throws ConnectionError FRAME_SIZE_ERROR, and what `onFrame` throws */
  push(chunk: Buffer): void {
    const bytes = this.#beginning ? Buffer.concat([this.#beginning, chunk]) : chunk;
    this.#beginning = undefined;
    let at = 0;
    while (bytes.length - at >= frameHeaderBytes) {
      const lengthAndType = bytes.readUInt32BE(at);
      const length = lengthAndType >>> 8;
      if (length > frameBytesMax) {
        throw new ConnectionError(
          'FRAME_SIZE_ERROR',
          `a frame of ${length} bytes; at most ${frameBytesMax} are allowed`,
        );
      }
      const from = at + frameHeaderBytes;
      const to = from + length;
      if (to > bytes.length) break;
      at = to;
      // The first bit of the stream's number is reserved and ignored.
      this.#onFrame(
        lengthAndType & 0xff,
        bytes.readUInt8(from - 5),
        bytes.readUInt32BE(from - 4) & 0x7fffffff,
        bytes,
        from,
        to,
      );
    }
    // A copy, since the rest would keep the whole chunk in memory.
    if (at < bytes.length) this.#beginning = Buffer.from(bytes.subarray(at));
  }
}
