import type { Socket } from 'node:net';
import { ConnectionError, type ErrorCode, StreamError } from './frames/error-code.ts';
import { clientPreface } from './frames/frame.ts';
import { FrameReader } from './frames/frame-reader.ts';
import { Output } from './frames/output.ts';
import { settingsPayload } from './frames/settings.ts';
import type { HeaderList } from './hpack/header-decoder.ts';
import type { Http2Options } from './http2-options.ts';
import { http2Limits } from './limits.ts';
import { type Keepalive, Liveness } from './liveness.ts';
import { PeerFrames } from './peer-frames.ts';
import { SendFlow } from './send-flow.ts';
import type { Http2Stream } from './stream.ts';
import { Streams } from './streams.ts';

const livenessPing = Buffer.from('liveness');
const drainPing = Buffer.from('draining');

/** Every stream of the peer: §6.8 */
const everyStream = 2 ** 31 - 1;

/**
 * How far the connection is on its way to its end. `announced`: the peer was told to open no new streams. `draining`: it knows, and the open
 * streams go on. `leaving`: the last frames are on their way to the peer, and nothing is read. `closed`: over.
 */
type Phase = 'open' | 'announced' | 'draining' | 'leaving' | 'closed';

/** One HTTP/2 connection of either side on a connected socket: https://www.rfc-editor.org/rfc/rfc9113 */
export class Http2Connection {
  readonly #socket: Socket;
  readonly #options: Http2Options;
  readonly #output: Output;
  readonly #flow: SendFlow;
  readonly #streams: Streams;
  readonly #peerFrames: PeerFrames;
  readonly #reader: FrameReader;
  readonly #openedAtMs: number;
  readonly #liveness: Liveness;
  #phase: Phase = 'open';
  /** The part of the client's preface that has not come yet. */
  #awaitedPreface: Buffer | undefined;
  #isReady = false;
  #isPeerLeaving = false;
  #isReadingPaused = false;

  constructor(socket: Socket, options: Http2Options) {
    const { role, nowMs, concurrentStreams } = options;
    this.#socket = socket;
    this.#options = options;
    this.#openedAtMs = nowMs();
    this.#liveness = new Liveness(this.#openedAtMs);
    this.#awaitedPreface = role === 'server' ? clientPreface : undefined;
    const output = new Output(socket, () => this.#onFlushed());
    const flow = new SendFlow(output);
    const streams = new Streams({ role, output, flow, onClosed: () => this.#onStreamClosed() });
    const peerFrames = new PeerFrames({
      streams,
      flow,
      output,
      nowMs,
      concurrentStreams: concurrentStreams ?? Number.POSITIVE_INFINITY,
      onRequest: (stream, list, isEnd) => this.#onRequest(stream, list, isEnd),
      onSettings: () => this.#onSettings(),
      onPingAck: (payload) => this.#onPingAck(payload),
      onGoaway: (...goaway) => this.#onGoaway(...goaway),
    });
    this.#output = output;
    this.#flow = flow;
    this.#streams = streams;
    this.#peerFrames = peerFrames;
    this.#reader = new FrameReader((...frame) => this.#onFrame(...frame));
    this.#greet();
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#onChunk(chunk));
    socket.on('drain', () => this.#onFlushed());
    socket.on('error', (error) => this.#close(error.message));
    // A proxy's answer was read from it in another way before.
    socket.resume();
    socket.on('close', () => this.#close('the peer closed the connection'));
  }

  /** Streams of either side that are open. */
  get openStreams(): number {
    return this.#streams.size;
  }

  /** True if this side may open a stream now. */
  get hasRoom(): boolean {
    return this.#isReady && this.#streams.hasRoom;
  }

  /** True if this side may open streams, now or later. */
  get takesStreams(): boolean {
    return this.#phase === 'open' && !this.#isPeerLeaving && this.#streams.hasNumbers;
  }

  /** A new stream of a client. Check `hasRoom` and `takesStreams` first. */
  openStream(): Http2Stream {
    return this.#streams.openOwn();
  }

  /** Ends the newest stream of the peer, for a reason that is not of the stream. Its call may have had its effect, so it is not refused. */
  shedNewest(reason: string): void {
    const newest = this.#streams.newest();
    if (!newest) return;
    this.#streams.sendReset(newest.id, 'CANCEL');
    newest.fail({ code: 'CANCEL', message: reason, by: 'us' });
  }

  /** Counts a stream that was refused: a peer may cause so many, and no more. */
  countRefused(): void {
    this.#guard(() => this.#peerFrames.countRefused());
  }

  /** Lets the peer open no new streams and closes the connection once the open ones are over. */
  drain(): void {
    if (this.#phase !== 'open') return;
    this.#phase = 'announced';
    // The peer may be opening streams right now. Its answer to the ping comes behind them.
    this.#output.goaway(everyStream, 'NO_ERROR', '');
    this.#output.ping(drainPing, false);
    if (!this.#isReady) this.#becomeDraining();
  }

  /** Ends everything at once. The peer learns the reason if its end still listens. */
  destroy(reason: string, code: ErrorCode = 'NO_ERROR'): void {
    if (this.#phase === 'closed') return;
    if (this.#phase !== 'leaving') this.#output.goaway(this.#streams.lastPeerId, code, reason);
    this.#output.flush();
    this.#close(reason);
    this.#socket.destroy();
  }

  /** To be called every few seconds: gives up a silent peer, and asks one that may be gone. */
  tend(keepalive: Keepalive): void {
    const nowMs = this.#options.nowMs();
    if (!this.#isReady && nowMs - this.#openedAtMs >= http2Limits.prefaceTimeoutMs) {
      this.#fail(new ConnectionError('SETTINGS_TIMEOUT', 'the peer did not begin to speak HTTP/2 in time'));
      return;
    }
    if (this.#phase === 'announced') this.#becomeDraining();
    if (this.#phase === 'leaving') {
      this.destroy('the peer did not close the connection');
      return;
    }
    const verdict = this.#liveness.judge(nowMs, keepalive);
    if (verdict === 'ask') this.#output.ping(livenessPing, false);
    else if (verdict !== 'nothing') {
      this.destroy(`the peer did not answer for ${Math.round(verdict.silentMs / 1_000)} s`);
    }
  }

  #greet(): void {
    const { role, concurrentStreams } = this.#options;
    if (role === 'client') this.#output.raw(clientPreface);
    const { headerTableBytes, headerListBytes } = http2Limits;
    this.#output.settings(settingsPayload({ role, headerTableBytes, headerListBytes, concurrentStreams }));
    this.#peerFrames.openWindow();
    // At once: the peer may wait for it.
    this.#output.flush();
  }

  #onChunk(chunk: Buffer): void {
    if (this.#phase === 'leaving' || this.#phase === 'closed') return;
    this.#peerFrames.begin();
    this.#liveness.heard(this.#options.nowMs());
    this.#guard(() => {
      const frames = this.#awaitedPreface ? this.#withoutPreface(this.#awaitedPreface, chunk) : chunk;
      if (frames) this.#reader.push(frames);
    });
    if (this.#output.unsentBytes > http2Limits.unsentAnswerBytes) this.#pauseReading();
  }

  /** Returns what is behind the preface, if the chunk holds the rest of it. @throws ConnectionError */
  #withoutPreface(awaited: Buffer, chunk: Buffer): Buffer | undefined {
    const length = Math.min(awaited.length, chunk.length);
    if (!chunk.subarray(0, length).equals(awaited.subarray(0, length))) {
      throw new ConnectionError('PROTOCOL_ERROR', 'the client does not speak HTTP/2');
    }
    this.#awaitedPreface = length < awaited.length ? awaited.subarray(length) : undefined;
    return this.#awaitedPreface ? undefined : chunk.subarray(length);
  }

  #onFrame(type: number, flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    if (this.#phase === 'leaving' || this.#phase === 'closed') return;
    try {
      this.#peerFrames.onFrame(type, flags, streamId, bytes, from, to);
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      this.#failStream(error);
    }
  }

  /** A stream's problem ends the stream only: §5.4.2 */
  #failStream({ streamId, code, message }: StreamError): void {
    this.#peerFrames.countRefused();
    const stream = this.#streams.get(streamId);
    this.#streams.sendReset(streamId, code);
    stream?.fail({ code, message, by: 'us' });
  }

  /** Runs what may find the peer at fault. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#fail(error);
    }
  }

  /** Tells the peer what it did wrong and closes the connection: §5.4.1 */
  #fail(error: ConnectionError): void {
    if (this.#phase === 'leaving' || this.#phase === 'closed') return;
    this.#output.goaway(this.#streams.lastPeerId, error.code, error.message);
    this.#leave();
    this.#close(error.message, error);
    // Whatever the peer does now, it does not keep the socket.
    const patience = setTimeout(() => this.#socket.destroy(), http2Limits.lastFrameMs).unref();
    // The timer would keep the whole connection in memory.
    this.#socket.once('close', () => clearTimeout(patience));
  }

  #close(reason: string, error?: ConnectionError): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#streams.failAbove(0, { code: 'CANCEL', message: reason, by: 'connection' });
    this.#options.onClosed(reason, error);
  }

  #onRequest(stream: Http2Stream, list: HeaderList, isEnd: boolean): void {
    if (this.#phase === 'draining') {
      stream.reset('REFUSED_STREAM');
      return;
    }
    this.#options.onRequest?.(stream, list, isEnd);
  }

  #onSettings(): void {
    const isFirst = !this.#isReady;
    this.#isReady = true;
    if (isFirst) this.#options.onReady?.();
    // The peer may allow more streams now.
    else this.#options.onRoom?.();
  }

  #onPingAck(payload: Buffer): void {
    if (this.#phase === 'announced' && payload.equals(drainPing)) this.#becomeDraining();
  }

  #becomeDraining(): void {
    this.#phase = 'draining';
    this.#output.goaway(this.#streams.lastPeerId, 'NO_ERROR', '');
    this.#onStreamClosed();
  }

  #onGoaway(lastStreamId: number, code: ErrorCode, debugData: string): void {
    this.#isPeerLeaving = true;
    this.#options.onGoaway?.();
    const because = debugData === '' ? '' : `: ${debugData}`;
    const message =
      code === 'NO_ERROR' ? 'the peer takes no new calls' : `the peer ends the connection with ${code}${because}`;
    if (this.#streams.role === 'client')
      this.#streams.failAbove(lastStreamId, { code: 'REFUSED_STREAM', message, by: 'peer' });
    this.#onStreamClosed();
  }

  #onStreamClosed(): void {
    const isLeaving = this.#phase === 'draining' || (this.#isPeerLeaving && this.#phase === 'open');
    if (isLeaving && this.#streams.size === 0) this.#leave();
    else this.#options.onRoom?.();
  }

  /** Closes the socket behind what is still to be sent. */
  #leave(): void {
    this.#phase = 'leaving';
    this.#output.flush();
    this.#socket.end();
    // Unread data would turn the end into a reset, which may take the last frames with it.
    this.#socket.resume();
  }

  #onFlushed(): void {
    this.#flow.pump();
    if (this.#isReadingPaused && this.#output.unsentBytes <= http2Limits.unsentAnswerBytes) {
      this.#isReadingPaused = false;
      this.#socket.resume();
    }
  }

  #pauseReading(): void {
    this.#output.flush();
    if (this.#output.unsentBytes <= http2Limits.unsentAnswerBytes) return;
    this.#isReadingPaused = true;
    this.#socket.pause();
  }
}
