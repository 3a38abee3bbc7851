import { ConnectionError } from './frames/error-code.ts';
import { initialWindowBytes } from './frames/frame.ts';
import type { Output } from './frames/output.ts';
import { http2Limits } from './limits.ts';

/**
 * The connection's window for what the peer sends: https://www.rfc-editor.org/rfc/rfc9113#section-6.9.1. What was read counts as processed
 * at once, since it is with its stream then, or gone. Each stream has a window of its own.
 */
export class ReceiveWindow {
  readonly #output: Output;
  #openBytes = initialWindowBytes;
  #processedBytes = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Widens the window to what the limits allow. */
  open(): void {
    const { connectionWindowBytes } = http2Limits;
    this.#output.windowUpdate(0, connectionWindowBytes - this.#openBytes);
    this.#openBytes = connectionWindowBytes;
  }

  /** @throws ConnectionError FLOW_CONTROL_ERROR */
  receive(bytes: number): void {
    this.#openBytes -= bytes;
    if (this.#openBytes < 0) {
      throw new ConnectionError('FLOW_CONTROL_ERROR', 'more data than the window of the connection allows');
    }
    this.#processedBytes += bytes;
    if (this.#processedBytes * 2 < http2Limits.connectionWindowBytes) return;
    this.#output.windowUpdate(0, this.#processedBytes);
    this.#openBytes += this.#processedBytes;
    this.#processedBytes = 0;
  }
}
