import { SequenceRing } from '../../base/sequence-ring.ts';
import type { ErrorCode } from './frames/error-code.ts';
import { windowBytesMax } from './frames/frame.ts';
import { nothing } from './frames/output.ts';
import type { HeaderList } from './hpack/header-decoder.ts';
import type { SentField } from './hpack/header-encoder.ts';

/** https://www.rfc-editor.org/rfc/rfc9113#section-5.1. An idle stream has no object. */
export type StreamState = 'open' | 'half-closed-local' | 'half-closed-remote' | 'closed';

/** Why a stream ended before both sides were done. */
export interface StreamFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly by: 'peer' | 'connection' | 'us';
}

/** Who uses a stream. Nothing is called once the stream is closed. */
export interface StreamListener {
  /** A header list: of the response, or trailers. */
  onHeaders(list: HeaderList, isEnd: boolean): void;
  /** Bytes that are only valid during the call. */
  onData(bytes: Uint8Array, isEnd: boolean): void;
  /** Data of this many bytes was passed on, in the order in which it was sent. */
  onSent(bodyBytes: number): void;
  onFailure(failure: StreamFailure): void;
  /** Both sides have ended in good order. */
  onClosed(): void;
}

/** The connection, as its streams need it. */
export interface StreamCarrier {
  readonly role: 'client' | 'server';
  readonly openBytes: number;
  /** The largest frame that the peer takes. */
  readonly frameBytesMax: number;
  sendHeaders(streamId: number, fields: readonly SentField[], isEnd: boolean): void;
  sendData(streamId: number, head: Uint8Array, body: Uint8Array, isEnd: boolean): void;
  sendReset(streamId: number, code: ErrorCode): void;
  sendWindow(streamId: number, bytes: number): void;
  wait(stream: Http2Stream): void;
  queue(stream: Http2Stream): void;
  closed(stream: Http2Stream): void;
}

/** Why the peer may not send what it sent. */
export interface StreamProblem {
  readonly code: ErrorCode;
  readonly message: string;
}

const lengthProblem: StreamProblem = {
  code: 'PROTOCOL_ERROR',
  message: 'the data is not as long as content-length says',
};

interface Waiting {
  readonly head: Uint8Array;
  readonly body: Uint8Array;
  sentBytes: number;
}

/** One stream, of either side. */
export class Http2Stream {
  readonly id: number;
  readonly #carrier: StreamCarrier;
  #listener: StreamListener | undefined;
  #state: StreamState = 'open';
  #sendWindowBytes: number;
  #receiveWindowBytes: number;
  #waiting: SequenceRing<Waiting> | undefined;
  /** What follows the waiting data. */
  #ending: 'nothing' | 'end' | readonly SentField[] = 'nothing';
  /** Bytes of data that the peer has announced and not sent yet: https://www.rfc-editor.org/rfc/rfc9113#section-8.1.1 */
  #announcedBytes: number | undefined;

  constructor(
    id: number,
    carrier: StreamCarrier,
    windows: { readonly sendBytes: number; readonly receiveBytes: number },
  ) {
    this.id = id;
    this.#carrier = carrier;
    this.#sendWindowBytes = windows.sendBytes;
    this.#receiveWindowBytes = windows.receiveBytes;
  }

  get state(): StreamState {
    return this.#state;
  }

  /** The peer has ended its side. */
  get isPeerDone(): boolean {
    return this.#state === 'half-closed-remote' || this.#state === 'closed';
  }

  /** The peer's side ended with its first header list. */
  endedByPeer(): void {
    this.#state = 'half-closed-remote';
  }

  /** What the peer may still send. */
  get receiveWindowBytes(): number {
    return this.#receiveWindowBytes;
  }

  listen(listener: StreamListener): void {
    this.#listener = listener;
  }

  /** The peer may send no more than this, and no less before its end. */
  announce(bytes: number): void {
    this.#announcedBytes = bytes;
  }

  // What this side sends.

  sendHeaders(fields: readonly SentField[], isEnd = false): void {
    if (!this.#mayWrite()) return;
    this.#carrier.sendHeaders(this.id, fields, isEnd);
    if (isEnd) this.#endedHere();
  }

  /** Sends one message: its head, which may change afterwards, and its body, which may not. */
  send(head: Uint8Array, body: Uint8Array, isEnd = false): void {
    if (!this.#mayWrite()) return;
    const length = head.length + body.length;
    const mayLeave = this.#waiting === undefined && length <= Math.min(this.#openBytes(), this.#carrier.frameBytesMax);
    if (mayLeave) {
      this.#sendNow(head, body, length, isEnd);
      this.#listener?.onSent(body.length);
    } else {
      this.#waiting ??= new SequenceRing();
      this.#waiting.push({ head: Uint8Array.from(head), body, sentBytes: 0 });
      if (isEnd) this.#ending = 'end';
      this.#carrier.wait(this);
    }
  }

  /** This side sends nothing more. */
  end(): void {
    if (!this.#mayWrite()) return;
    if (this.#waiting) this.#ending = 'end';
    else this.#sendNow(nothing, nothing, 0, true);
  }

  sendTrailers(fields: readonly SentField[]): void {
    if (!this.#mayWrite()) return;
    if (this.#waiting) this.#ending = fields;
    else this.sendHeaders(fields, true);
  }

  /** Ends the stream at once, in both directions. The listener is not told. */
  reset(code: ErrorCode): void {
    if (this.#state === 'closed') return;
    this.#carrier.sendReset(this.id, code);
    this.#close();
  }

  /** Allows the peer to send more. */
  allow(bytes: number): void {
    if (bytes <= 0 || this.#state === 'closed' || this.#state === 'half-closed-remote') return;
    this.#receiveWindowBytes += bytes;
    this.#carrier.sendWindow(this.id, bytes);
  }

  /** For the connection: sends what waits, at most one frame. Returns true if more could leave. */
  sendFrame(): boolean {
    const waiting = this.#waiting;
    const next = waiting?.oldest;
    if (!waiting || !next) return false;
    const total = next.head.length + next.body.length;
    const from = next.sentBytes;
    const length = Math.min(total - from, this.#carrier.frameBytesMax, this.#openBytes());
    // An empty message needs no window.
    if (length <= 0 && total > from) return false;
    const to = from + length;
    const headEnd = next.head.length;
    const head = from < headEnd ? next.head.subarray(from, Math.min(to, headEnd)) : nothing;
    const body = to > headEnd ? next.body.subarray(Math.max(0, from - headEnd), to - headEnd) : nothing;
    next.sentBytes = to;
    if (to < total) {
      this.#sendNow(head, body, length, false);
      return this.#sendWindowBytes > 0;
    }
    waiting.delete(waiting.first);
    const isLast = waiting.size === 0;
    if (isLast) this.#waiting = undefined;
    const ending = isLast ? this.#ending : 'nothing';
    if (isLast) this.#ending = 'nothing';
    this.#sendNow(head, body, length, ending === 'end');
    if (typeof ending === 'object') this.sendHeaders(ending, true);
    if (this.#state !== 'closed') this.#listener?.onSent(next.body.length);
    return !isLast && this.#sendWindowBytes > 0;
  }

  // What the peer sends.

  receiveHeaders(list: HeaderList, isEnd: boolean): StreamProblem | undefined {
    // A server's stream begins with its request, so these are trailers.
    const problem = this.#carrier.role === 'server' ? problemInTrailers(list) : undefined;
    if (problem) return problem;
    if (isEnd && (this.#announcedBytes ?? 0) > 0) return lengthProblem;
    this.#received(isEnd, () => this.#listener?.onHeaders(list, isEnd));
    return undefined;
  }

  /** `frameBytes` counts the padding too. */
  receiveData(bytes: Uint8Array, frameBytes: number, isEnd: boolean): StreamProblem | undefined {
    this.#receiveWindowBytes -= frameBytes;
    if (this.#receiveWindowBytes < 0)
      return { code: 'FLOW_CONTROL_ERROR', message: 'more data than the window allows' };
    if (this.#announcedBytes !== undefined) {
      this.#announcedBytes -= bytes.length;
      if (this.#announcedBytes < 0 || (isEnd && this.#announcedBytes > 0)) return lengthProblem;
    }
    this.#received(isEnd, () => this.#listener?.onData(bytes, isEnd));
    return undefined;
  }

  /**
   * True if the window is then larger than allowed: §6.9.1. What waits is only queued: when the peer changes all windows, nothing may leave
   * before all are changed and acknowledged, since the acknowledgement tells the peer by which windows to count: §6.9.2
   */
  widen(bytes: number): boolean {
    this.#sendWindowBytes += bytes;
    if (this.#sendWindowBytes > windowBytesMax) return true;
    if (this.#waiting) this.#carrier.queue(this);
    return false;
  }

  /** The stream ends without an orderly end of both sides. */
  fail(failure: StreamFailure): void {
    if (this.#state === 'closed') return;
    const listener = this.#listener;
    this.#close();
    listener?.onFailure(failure);
  }

  #mayWrite(): boolean {
    return (this.#state === 'open' || this.#state === 'half-closed-remote') && this.#ending === 'nothing';
  }

  #openBytes(): number {
    return Math.min(this.#sendWindowBytes, this.#carrier.openBytes);
  }

  #sendNow(head: Uint8Array, body: Uint8Array, length: number, isEnd: boolean): void {
    this.#sendWindowBytes -= length;
    this.#carrier.sendData(this.id, head, body, isEnd);
    if (isEnd) this.#endedHere();
  }

  #endedHere(): void {
    if (this.#state === 'half-closed-remote') {
      this.#finish();
      return;
    }
    this.#state = 'half-closed-local';
    if (this.#carrier.role === 'client') return;
    // The answer is complete, so the rest of the request has no use: https://www.rfc-editor.org/rfc/rfc9113#section-8.1
    this.#carrier.sendReset(this.id, 'NO_ERROR');
    this.#finish();
  }

  /** Calls the listener between the end of the peer's side and that of the stream. */
  #received(isEnd: boolean, tell: () => void): void {
    const isFinal = isEnd && this.#state === 'half-closed-local';
    // Before the listener hears of it, which would otherwise reset a stream that has ended in good order.
    if (isEnd) this.#state = isFinal ? 'closed' : 'half-closed-remote';
    tell();
    if (isFinal) this.#finish();
  }

  #finish(): void {
    const listener = this.#listener;
    this.#close();
    listener?.onClosed();
  }

  #close(): void {
    this.#state = 'closed';
    this.#waiting = undefined;
    this.#listener = undefined;
    this.#carrier.closed(this);
  }
}

/** https://www.rfc-editor.org/rfc/rfc9113#section-8.1 */
function problemInTrailers({ fields }: HeaderList): StreamProblem | undefined {
  for (const { name, problem } of fields) {
    if (problem !== undefined) return { code: 'PROTOCOL_ERROR', message: problem };
    if (name.startsWith(':')) return { code: 'PROTOCOL_ERROR', message: `the field ${name} is in trailers` };
  }
  return undefined;
}
