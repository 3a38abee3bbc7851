import { CallSignal } from '../../call-signal.ts';
import type { Http2Stream, StreamFailure } from '../../http2/stream.ts';
import type { Peer } from '../../rpc.ts';
import type { CallFacts } from '../../served-call.ts';
import { type Metadata, RpcError } from '../../status.ts';
import type { Deadlines } from '../deadlines.ts';
import type { ReceiveShare } from '../receive-budget.ts';
import type { RequestHead } from './request-head.ts';
import { sendResponseHeaders } from './response-fields.ts';

/** What a call needs from the listener that serves it. */
export interface CallHome {
  readonly stream: Http2Stream;
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly share: ReceiveShare;
  readonly deadlines: Deadlines;
  readonly maxMessageBytes: number;
  readonly nowMs: () => number;
  /** The call is over, whatever its handler still does. */
  readonly onOver: () => void;
}

/** The facts of a call over HTTP/2, its deadline and its loss. */
export class Http2CallFacts implements CallFacts {
  readonly #home: CallHome;
  readonly #signal = new CallSignal();
  readonly #onDeadline: (error: RpcError) => void;
  readonly deadlineMs: number;
  #hasHeaders = false;
  #isOver = false;

  /** `onDeadline` ends the call. */
  constructor(home: CallHome, onDeadline: (error: RpcError) => void) {
    this.#home = home;
    this.#onDeadline = onDeadline;
    const { timeoutMs } = home.head;
    this.deadlineMs = typeof timeoutMs === 'number' ? home.nowMs() + timeoutMs : Number.POSITIVE_INFINITY;
    if (typeof timeoutMs === 'number') home.deadlines.add(this);
  }

  get metadata(): Metadata {
    return this.#home.head.metadata;
  }

  get peer(): Peer {
    return this.#home.peer;
  }

  get timeoutMs(): number | undefined {
    return this.deadlineMs === Number.POSITIVE_INFINITY ? undefined : Math.max(0, this.deadlineMs - this.#home.nowMs());
  }

  get signal(): AbortSignal {
    return this.#signal.signal;
  }

  get hasHeaders(): boolean {
    return this.#hasHeaders;
  }

  sendHeaders(): void {
    if (this.#hasHeaders) return;
    this.#hasHeaders = true;
    sendResponseHeaders(this.#home.stream);
  }

  expire(): void {
    this.#onDeadline(new RpcError('DEADLINE_EXCEEDED', 'the deadline that the caller gave has passed'));
  }

  /** The call ended in good order. */
  ended(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#home.deadlines.delete(this);
    this.#home.onOver();
  }

  /** The call is lost: its handler learns it, if it asks. */
  lost(reason: () => RpcError): void {
    this.#signal.abort(reason);
    this.ended();
  }
}

/** Why a call's stream failed, as its handler learns it. */
export function lostCall({ by, message }: StreamFailure): RpcError {
  const text = by === 'us' ? message : 'the caller cancelled or its connection was lost';
  return new RpcError('CANCELLED', text);
}
