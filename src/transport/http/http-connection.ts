import type { Socket } from 'node:net';
import { httpLimits } from './http-limits.ts';
import type { EncodedReply } from './http-reply.ts';
import { type RequestHead, readRequestHead } from './request-head.ts';

/** One connection: one request, one answer, then it is closed. */
export class HttpConnection {
  readonly #socket: Socket;
  readonly #onRequest: (head: RequestHead) => void;
  #received = '';
  #ignoredBytes = 0;
  #hasAsked = false;
  #isAnswered = false;

  constructor(socket: Socket, onRequest: (head: RequestHead) => void) {
    this.#socket = socket;
    this.#onRequest = onRequest;
    // A reset connection is closed too. Nothing else has to be done.
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.on('end', () => {
      if (!this.#hasAsked) socket.destroy();
    });
  }

  /** Writes the one answer. The connection closes once the peer has read it and closes too. */
  answer({ head, body }: EncodedReply, isHead: boolean): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#socket.write(head);
    this.#socket.end(isHead ? '' : body);
    // Unread data on a closing socket resets it, and the peer could lose the answer. So it is read and ignored.
    this.#socket.resume();
  }

  /** Closes the connection, with an answer if there was none. */
  cutOff(reply: EncodedReply): void {
    if (this.#isAnswered) {
      this.#socket.destroy();
      return;
    }
    this.answer(reply, false);
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    if (this.#hasAsked) {
      this.#ignore(bytes.length);
      return;
    }
    this.#received += bytes.toString('latin1');
    const head = readRequestHead(this.#received);
    if (!head) return;
    this.#hasAsked = true;
    this.#received = '';
    this.#socket.pause();
    this.#onRequest(head);
  }

  /** A body, or requests behind the first one. */
  #ignore(bytes: number): void {
    this.#ignoredBytes += bytes;
    if (this.#ignoredBytes > 8 * httpLimits.requestBytes) this.#socket.destroy();
  }
}
