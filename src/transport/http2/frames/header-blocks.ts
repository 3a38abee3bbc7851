import { http2Limits } from '../limits.ts';
import { ConnectionError } from './error-code.ts';

/** A complete header block. */
export interface HeaderBlock {
  readonly streamId: number;
  readonly bytes: Uint8Array;
  readonly isEnd: boolean;
}

interface Begun {
  readonly streamId: number;
  readonly isEnd: boolean;
  readonly parts: Uint8Array[];
  bytes: number;
}

/** Puts a HEADERS frame and its CONTINUATION frames together: https://www.rfc-editor.org/rfc/rfc9113#section-4.3 */
export class HeaderBlocks {
  #begun: Begun | undefined;

  /** @throws ConnectionError PROTOCOL_ERROR if this frame may not come now */
  expect(isContinuation: boolean, streamId: number): void {
    if (!this.#begun && !isContinuation) return;
    if (this.#begun && isContinuation && this.#begun.streamId === streamId) return;
    throw new ConnectionError(
      'PROTOCOL_ERROR',
      this.#begun ? 'another frame inside a header block' : 'a CONTINUATION frame without a header block',
    );
  }

  get isOpen(): boolean {
    return this.#begun !== undefined;
  }

  /** The fragment of a HEADERS frame. Returns the block if this is all of it. */
  begin(streamId: number, fragment: Uint8Array, isEnd: boolean, isComplete: boolean): HeaderBlock | undefined {
    if (isComplete) return { streamId, bytes: fragment, isEnd };
    this.#begun = { streamId, isEnd, parts: [Uint8Array.from(fragment)], bytes: fragment.length };
    return undefined;
  }

  /** @throws ConnectionError ENHANCE_YOUR_CALM if the block has too many bytes or frames */
  continue(fragment: Uint8Array, isComplete: boolean): HeaderBlock | undefined {
    const begun = this.#begun as Begun;
    begun.parts.push(Uint8Array.from(fragment));
    begun.bytes += fragment.length;
    const { headerBlockBytes, headerBlockFrames } = http2Limits;
    if (begun.bytes > headerBlockBytes) {
      throw new ConnectionError('ENHANCE_YOUR_CALM', `a header block has more than ${headerBlockBytes} bytes`);
    }
    if (begun.parts.length > headerBlockFrames) {
      throw new ConnectionError('ENHANCE_YOUR_CALM', `a header block has more than ${headerBlockFrames} frames`);
    }
    if (!isComplete) return undefined;
    this.#begun = undefined;
    return { streamId: begun.streamId, bytes: Buffer.concat(begun.parts), isEnd: begun.isEnd };
  }
}
