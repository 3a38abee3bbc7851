import { ConnectionError, type ErrorCode } from './frames/error-code.ts';
import { initialWindowBytes } from './frames/frame.ts';
import type { Output } from './frames/output.ts';
import { defaultPeerSettings, type PeerSettings } from './frames/settings.ts';
import { HeaderEncoder, type SentField } from './hpack/header-encoder.ts';
import { http2Limits } from './limits.ts';
import { ResetStreams } from './reset-streams.ts';
import type { SendFlow } from './send-flow.ts';
import { Http2Stream, type StreamCarrier, type StreamFailure } from './stream.ts';

/** The largest number of a stream: https://www.rfc-editor.org/rfc/rfc9113#section-5.1.1 */
const streamIdMax = 2 ** 31 - 1;

/** What the number of a stream says about it: §5.1 */
export type Standing = 'idle' | 'open' | 'reset-here' | 'closed';

export interface StreamsOptions {
  readonly role: 'client' | 'server';
  readonly output: Output;
  readonly flow: SendFlow;
  /** A stream is closed, and its place is free. */
  readonly onClosed: () => void;
}

/** The streams of one connection. */
export class Streams implements StreamCarrier {
  readonly role: 'client' | 'server';
  readonly #options: StreamsOptions;
  readonly #encoder = new HeaderEncoder(http2Limits.headerTableBytes);
  readonly #open = new Map<number, Http2Stream>();
  readonly #resetHere = new ResetStreams();
  #peer: PeerSettings = defaultPeerSettings();
  #lastPeerId = 0;
  #nextId = 1;

  constructor(options: StreamsOptions) {
    this.role = options.role;
    this.#options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  /** The newest stream of the peer. */
  get lastPeerId(): number {
    return this.#lastPeerId;
  }

  /** True if the peer allows one more stream of this side. */
  get hasRoom(): boolean {
    return this.#open.size < this.#peer.concurrentStreams;
  }

  /** False once all numbers are used. */
  get hasNumbers(): boolean {
    return this.#nextId <= streamIdMax;
  }

  get peer(): PeerSettings {
    return this.#peer;
  }

  get(id: number): Http2Stream | undefined {
    return this.#open.get(id);
  }

  standing(id: number): Standing {
    if (this.#open.has(id)) return 'open';
    const isOfPeer = (id % 2 === 1) === (this.role === 'server');
    // A server pushes no streams, so its even numbers stay idle.
    const newest = isOfPeer ? this.#lastPeerId : this.#nextId - 2;
    if (id > newest) return 'idle';
    return this.#resetHere.has(id) ? 'reset-here' : 'closed';
  }

  /** A new stream of this side. */
  openOwn(): Http2Stream {
    const id = this.#nextId;
    this.#nextId += 2;
    return this.#add(id);
  }

  openPeers(id: number): Http2Stream {
    this.#lastPeerId = id;
    return this.#add(id);
  }

  /** Takes the peer's settings. @throws ConnectionError if a window becomes larger than allowed: §6.9.2 */
  apply(settings: PeerSettings): void {
    const change = settings.initialWindowBytes - this.#peer.initialWindowBytes;
    if (settings.headerTableBytes !== this.#peer.headerTableBytes) this.#encoder.limitTable(settings.headerTableBytes);
    this.#peer = settings;
    if (change === 0) return;
    for (const stream of this.#open.values()) {
      if (stream.widen(change)) {
        throw new ConnectionError(
          'FLOW_CONTROL_ERROR',
          'SETTINGS_INITIAL_WINDOW_SIZE makes a window larger than 2^31-1',
        );
      }
    }
  }

  /** Fails the streams above this number. */
  failAbove(id: number, failure: StreamFailure): void {
    for (const stream of [...this.#open.values()]) if (stream.id > id) stream.fail(failure);
  }

  /** Of those that are open. */
  newest(): Http2Stream | undefined {
    let newest: Http2Stream | undefined;
    for (const stream of this.#open.values()) newest = stream;
    return newest;
  }

  [Symbol.iterator](): Iterator<Http2Stream> {
    return this.#open.values();
  }

  // What a stream needs.

  get openBytes(): number {
    return this.#options.flow.openBytes;
  }

  get frameBytesMax(): number {
    return this.#peer.frameBytes;
  }

  sendHeaders(streamId: number, fields: readonly SentField[], isEnd: boolean): void {
    this.#options.output.headers(streamId, this.#encoder.encode(fields), isEnd, this.#peer.frameBytes);
  }

  sendData(streamId: number, head: Uint8Array, body: Uint8Array, isEnd: boolean): void {
    const { flow, output } = this.#options;
    flow.spend(head.length + body.length);
    output.data(streamId, head, body, isEnd, this.#peer.frameBytes);
  }

  sendReset(streamId: number, code: ErrorCode): void {
    this.#resetHere.add(streamId);
    this.#options.output.rstStream(streamId, code);
  }

  sendWindow(streamId: number, bytes: number): void {
    this.#options.output.windowUpdate(streamId, bytes);
  }

  wait(stream: Http2Stream): void {
    this.#options.flow.wait(stream);
  }

  queue(stream: Http2Stream): void {
    this.#options.flow.queue(stream);
  }

  closed(stream: Http2Stream): void {
    this.#options.flow.forget(stream);
    if (this.#open.delete(stream.id)) this.#options.onClosed();
  }

  #add(id: number): Http2Stream {
    const stream = new Http2Stream(id, this, {
      sendBytes: this.#peer.initialWindowBytes,
      receiveBytes: initialWindowBytes,
    });
    this.#open.set(id, stream);
    return stream;
  }
}
