import { ConnectionError } from './frames/error-code.ts';
import { initialWindowBytes, windowBytesMax } from './frames/frame.ts';
import type { Output } from './frames/output.ts';
import { http2Limits } from './limits.ts';

/** A stream with data that may not leave yet. */
export interface WaitingSender {
  /** Sends one frame. Returns true if it has more that its own window lets through. */
  sendFrame(): boolean;
}

/**
 * The connection's part of flow control for what this side sends: its window, and the streams that wait for it or for the socket. They
 * send one frame each, in turn. https://www.rfc-editor.org/rfc/rfc9113#section-5.2
 */
export class SendFlow {
  readonly #output: Output;
  readonly #waiting = new Set<WaitingSender>();
  #windowBytes = initialWindowBytes;
  #isPumping = false;

  constructor(output: Output) {
    this.#output = output;
  }

  /** How much may be sent now. */
  get openBytes(): number {
    return this.#output.unsentBytes > http2Limits.unsentBytes ? 0 : this.#windowBytes;
  }

  spend(bytes: number): void {
    this.#windowBytes -= bytes;
  }

  /** From the peer. @throws ConnectionError FLOW_CONTROL_ERROR */
  widen(bytes: number): void {
    this.#windowBytes += bytes;
    if (this.#windowBytes > windowBytesMax) {
      throw new ConnectionError('FLOW_CONTROL_ERROR', 'the window of the connection is larger than 2^31-1');
    }
    this.pump();
  }

  /** The stream sends what it has, now or when it may. */
  wait(stream: WaitingSender): void {
    this.#waiting.add(stream);
    this.pump();
  }

  /** The stream sends what it has at the next `pump`. */
  queue(stream: WaitingSender): void {
    this.#waiting.add(stream);
  }

  forget(stream: WaitingSender): void {
    this.#waiting.delete(stream);
  }

  /** Lets the waiting streams send, as far as window and socket allow. */
  pump(): void {
    // What was sent may make a stream send more.
    if (this.#isPumping) return;
    this.#isPumping = true;
    // A stream that goes on is added again behind the others, and the iteration reaches it there.
    for (const stream of this.#waiting) {
      if (this.openBytes <= 0) break;
      this.#waiting.delete(stream);
      if (stream.sendFrame()) this.#waiting.add(stream);
    }
    this.#isPumping = false;
  }
}
