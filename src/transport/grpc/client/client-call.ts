import { cancellationBy } from '../../cancellation.ts';
import type { HeaderList } from '../../http2/hpack/header-decoder.ts';
import type { SentField } from '../../http2/hpack/header-encoder.ts';
import type { Http2Stream, StreamFailure, StreamListener } from '../../http2/stream.ts';
import type { CallOptions } from '../../rpc.ts';
import { RpcError } from '../../status.ts';
import type { Deadlines, Expiring } from '../deadlines.ts';
import { IncomingMessages } from '../incoming-messages.ts';
import type { ReceiveShare } from '../receive-budget.ts';
import { type CallStatus, readResponse, readTrailers } from './response-head.ts';
import { errorOf } from './stream-failure.ts';

/** What a call needs from its connection. */
export interface ClientHome {
  readonly address: string;
  readonly maxMessageBytes: number;
  readonly share: ReceiveShare;
  readonly deadlines: Deadlines;
  readonly nowMs: () => number;
  /** The call is over. */
  readonly forget: (call: ClientCall) => void;
}

export interface ClientCallOptions extends CallOptions {
  readonly path: string;
  readonly fields: readonly SentField[];
  readonly windowBytes: number;
  readonly onMessage: (bytes: Uint8Array) => void;
  readonly onSent: (bodyBytes: number) => void;
  readonly onStarted: (stream: Http2Stream) => void;
  /** Called once. */
  readonly onStatus: (status: CallStatus) => void;
}

/** Where a call is: `waiting` for a place on the connection, before the `headers` or in the `messages` of the answer, or `over`. */
type Progress = 'waiting' | 'headers' | 'messages' | 'over';

/** The part of a client's call that unary calls and streams have in common: from the request's headers to the status. */
export class ClientCall implements StreamListener, Expiring {
  readonly #home: ClientHome;
  readonly #options: ClientCallOptions;
  readonly deadlineMs: number;
  #progress: Progress = 'waiting';
  #stream: Http2Stream | undefined;
  #incoming: IncomingMessages | undefined;
  #onAbort: (() => void) | undefined;

  constructor(home: ClientHome, options: ClientCallOptions) {
    this.#home = home;
    this.#options = options;
    const { timeoutMs, signal } = options;
    this.deadlineMs = timeoutMs === undefined ? Number.POSITIVE_INFINITY : home.nowMs() + timeoutMs;
    if (timeoutMs !== undefined) home.deadlines.add(this);
    if (!signal) return;
    this.#onAbort = () => this.fail(cancellationBy(signal));
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  get isOver(): boolean {
    return this.#progress === 'over';
  }

  /** Begins the call on its stream. */
  start(stream: Http2Stream): void {
    const { path, fields, windowBytes, onMessage, onStarted } = this.#options;
    this.#stream = stream;
    this.#progress = 'headers';
    stream.listen(this);
    stream.sendHeaders(fields);
    this.#incoming = new IncomingMessages(stream, {
      path,
      maxMessageBytes: this.#home.maxMessageBytes,
      share: this.#home.share,
      windowBytes,
      nowMs: this.#home.nowMs,
      onMessage,
      onShed: (error) => this.fail(error),
    });
    onStarted(stream);
  }

  /** A message is kept for a reader. */
  kept(byteLength: number): void {
    this.#incoming?.kept(byteLength);
  }

  taken(byteLength: number): void {
    this.#incoming?.taken(byteLength);
  }

  onHeaders(list: HeaderList, isEnd: boolean): void {
    if (this.#progress === 'messages') {
      if (isEnd) {
        this.#end(readTrailers(list));
        return;
      }
      this.fail(new RpcError('INTERNAL', 'the server sent headers between messages'));
      return;
    }
    const response = readResponse(list, isEnd);
    if (!('next' in response)) {
      this.#end(response);
      return;
    }
    if (response.next === 'interim') return;
    this.#incoming?.compressedWith(response.encoding);
    this.#progress = 'messages';
  }

  onData(bytes: Uint8Array, isEnd: boolean): void {
    try {
      if (this.#progress === 'headers') throw new RpcError('INTERNAL', 'the server sent data before headers');
      this.#incoming?.push(bytes);
      if (isEnd) throw new RpcError('INTERNAL', 'the server ended the call without a status');
    } catch (error) {
      this.fail(RpcError.from(error));
    }
  }

  onSent(bodyBytes: number): void {
    this.#options.onSent(bodyBytes);
  }

  onFailure(failure: StreamFailure): void {
    // Servers cancel a call at its deadline, and their clock may be the first to reach it.
    if (failure.by === 'peer' && failure.code === 'CANCEL' && this.#home.nowMs() >= this.deadlineMs) {
      this.expire();
      return;
    }
    this.#end({ error: errorOf(failure, this.#home.address), trailers: {} });
  }

  /** The status came before. */
  onClosed(): void {}

  expire(): void {
    const { timeoutMs } = this.#options;
    this.fail(
      new RpcError(
        'DEADLINE_EXCEEDED',
        `${this.#home.address} did not answer ${this.#options.path} within ${timeoutMs} ms`,
      ),
    );
  }

  /** Ends the call from this side. */
  fail(error: RpcError): void {
    if (this.#progress === 'over') return;
    this.#end({ error, trailers: {} });
  }

  #end(status: CallStatus): void {
    if (this.#progress === 'over') return;
    const complete = status.error ? status : this.#checkedEnd(status);
    this.#progress = 'over';
    this.#stream?.reset('CANCEL');
    this.#home.deadlines.delete(this);
    if (this.#onAbort) this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#options.onStatus(complete);
    if (complete.error) this.#incoming?.close();
    this.#home.forget(this);
  }

  /** A call does not succeed in the middle of a message. */
  #checkedEnd(status: CallStatus): CallStatus {
    try {
      this.#incoming?.end();
      return status;
    } catch (error) {
      return { error: RpcError.from(error), trailers: {} };
    }
  }
}
