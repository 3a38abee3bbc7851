import { Allowance, type Rate } from './allowance.ts';
import { ConnectionError, type ErrorCode, errorCode, StreamError } from './frames/error-code.ts';
import { frameFlag, frameType } from './frames/frame.ts';
import { refuseSelfDependency, withoutPadding } from './frames/frame-payload.ts';
import { type HeaderBlock, HeaderBlocks } from './frames/header-blocks.ts';
import type { Output } from './frames/output.ts';
import { readSettings } from './frames/settings.ts';
import { HeaderDecoder, type HeaderList } from './hpack/header-decoder.ts';
import { HpackError } from './hpack/hpack-error.ts';
import { http2Limits } from './limits.ts';
import { ReceiveWindow } from './receive-window.ts';
import type { SendFlow } from './send-flow.ts';
import type { Http2Stream, StreamProblem } from './stream.ts';
import type { Streams } from './streams.ts';

/** What a connection does about frames that are not for one stream. */
export interface PeerFramesOptions {
  readonly streams: Streams;
  readonly flow: SendFlow;
  readonly output: Output;
  readonly nowMs: () => number;
  /** A server's new stream. If nobody listens to it afterwards, it was refused. */
  readonly onRequest: (stream: Http2Stream, list: HeaderList, isEnd: boolean) => void;
  readonly concurrentStreams: number;
  readonly onSettings: () => void;
  readonly onPingAck: (payload: Buffer) => void;
  readonly onGoaway: (lastStreamId: number, code: ErrorCode, debugData: string) => void;
}

/** Reads the peer's frames, each as its paragraph of the RFC says, and counts what it may do only so often. */
export class PeerFrames {
  readonly #options: PeerFramesOptions;
  readonly #streams: Streams;
  readonly #blocks = new HeaderBlocks();
  readonly #window: ReceiveWindow;
  readonly #decoder = new HeaderDecoder({
    tableBytes: http2Limits.headerTableBytes,
    listBytes: http2Limits.headerListBytes,
  });
  readonly #controlFrames: Allowance;
  readonly #settingsFrames: Allowance;
  readonly #resets: Allowance;
  readonly #refusedStreams: Allowance;
  readonly #discardedBytes: Allowance;
  #isReady = false;
  #nowMs: number;

  constructor(options: PeerFramesOptions) {
    this.#options = options;
    this.#streams = options.streams;
    this.#nowMs = options.nowMs();
    this.#window = new ReceiveWindow(options.output);
    const allowance = (rate: Rate): Allowance => new Allowance(rate, this.#nowMs);
    this.#controlFrames = allowance(http2Limits.controlFrames);
    this.#settingsFrames = allowance(http2Limits.settingsFrames);
    this.#resets = allowance(http2Limits.resets);
    this.#refusedStreams = allowance(http2Limits.refusedStreams);
    this.#discardedBytes = allowance(http2Limits.discardedBytes);
  }

  /** Called once for all frames that came together. */
  begin(): void {
    this.#nowMs = this.#options.nowMs();
  }

  /** Widens the connection's window to what the limits allow. */
  openWindow(): void {
    this.#window.open();
  }

  /** @throws ConnectionError, StreamError */
  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    if (!this.#isReady && (type !== frameType.settings || flags & frameFlag.ack)) {
      throw new ConnectionError('PROTOCOL_ERROR', 'the first frame is not SETTINGS');
    }
    if (this.#blocks.isOpen || type === frameType.continuation) {
      this.#blocks.expect(type === frameType.continuation, streamId);
    }
    switch (type) {
      case frameType.data:
        this.#onData(flags, streamId, bytes, from, to);
        break;
      case frameType.headers:
        this.#onHeaders(flags, streamId, bytes, from, to);
        break;
      case frameType.continuation:
        this.#onContinuation(flags, bytes.subarray(from, to));
        break;
      case frameType.windowUpdate:
        this.#onWindowUpdate(streamId, bytes, from, to);
        break;
      case frameType.rstStream:
        this.#onRstStream(streamId, bytes, from, to);
        break;
      case frameType.settings:
        this.#onSettings(flags, streamId, bytes, from, to);
        break;
      case frameType.ping:
        this.#onPing(flags, streamId, bytes, from, to);
        break;
      case frameType.goaway:
        this.#onGoaway(streamId, bytes, from, to);
        break;
      case frameType.priority:
        this.#onPriority(streamId, bytes, from, to);
        break;
      case frameType.pushPromise:
        throw new ConnectionError('PROTOCOL_ERROR', 'a PUSH_PROMISE frame, which was not allowed');
      default:
        // Frames of an unknown type are ignored: §4.1
        this.#countControlFrame();
    }
  }

  /** Counts a stream that this side does not want. @throws ConnectionError ENHANCE_YOUR_CALM */
  countRefused(): void {
    take(this.#refusedStreams, this.#nowMs, 'too many streams that were refused');
  }

  /** §6.1 */
  #onData(flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    const length = to - from;
    const stream = this.#streams.get(streamId);
    const standing = stream ? 'open' : this.#streams.standing(streamId);
    if (streamId === 0 || standing === 'idle') {
      throw new ConnectionError('PROTOCOL_ERROR', `a DATA frame on stream ${streamId}, which is not open`);
    }
    this.#window.receive(length);
    const isEnd = (flags & frameFlag.endStream) !== 0;
    if (length === 0 && !isEnd) this.#countControlFrame();
    if (!stream || stream.isPeerDone) {
      if (standing === 'reset-here') {
        take(this.#discardedBytes, this.#nowMs, 'too much data for refused calls', length);
        return;
      }
      throw new StreamError(streamId, 'STREAM_CLOSED', 'data behind the end of the stream');
    }
    const data = flags & frameFlag.padded ? withoutPadding(bytes, from, to) : bytes.subarray(from, to);
    fail(stream, stream.receiveData(data, length, isEnd));
  }

  /** §6.2 */
  #onHeaders(flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    if (streamId === 0) throw new ConnectionError('PROTOCOL_ERROR', 'a HEADERS frame on stream 0');
    let fragment: Buffer = flags & frameFlag.padded ? withoutPadding(bytes, from, to) : bytes.subarray(from, to);
    if (flags & frameFlag.priority) {
      if (fragment.length < 5) throw new ConnectionError('FRAME_SIZE_ERROR', 'a HEADERS frame without its priority');
      refuseSelfDependency(streamId, fragment.readUInt32BE(0));
      fragment = fragment.subarray(5);
    }
    const isEnd = (flags & frameFlag.endStream) !== 0;
    const block = this.#blocks.begin(streamId, fragment, isEnd, (flags & frameFlag.endHeaders) !== 0);
    if (block) this.#onBlock(block);
  }

  /** §6.10 */
  #onContinuation(flags: number, fragment: Buffer): void {
    const block = this.#blocks.continue(fragment, (flags & frameFlag.endHeaders) !== 0);
    if (block) this.#onBlock(block);
  }

  #onBlock({ streamId, bytes, isEnd }: HeaderBlock): void {
    // Also of a stream that is gone, since each block changes the table.
    const list = this.#decode(bytes);
    const stream = this.#streams.get(streamId);
    if (stream) {
      if (stream.isPeerDone) throw new StreamError(streamId, 'STREAM_CLOSED', 'headers behind the end of the stream');
      if (this.#streams.role === 'server' && !isEnd) {
        throw new StreamError(streamId, 'PROTOCOL_ERROR', 'trailers that do not end the stream');
      }
      fail(stream, stream.receiveHeaders(list, isEnd));
      return;
    }
    const standing = this.#streams.standing(streamId);
    if (standing === 'reset-here') return;
    if (standing === 'closed')
      throw new ConnectionError('STREAM_CLOSED', `headers on stream ${streamId}, which is closed`);
    if (this.#streams.role === 'client' || streamId % 2 === 0) {
      throw new ConnectionError('PROTOCOL_ERROR', `stream ${streamId} cannot be opened by this peer`);
    }
    const isOverLimit = this.#streams.size >= this.#options.concurrentStreams;
    const opened = this.#streams.openPeers(streamId);
    if (isOverLimit) {
      const reason = `${this.#options.concurrentStreams} streams are open, which is the limit`;
      throw new StreamError(streamId, 'REFUSED_STREAM', reason);
    }
    if (isEnd) opened.endedByPeer();
    this.#options.onRequest(opened, list, isEnd);
  }

  #decode(block: Uint8Array): HeaderList {
    try {
      return this.#decoder.decode(block);
    } catch (error) {
      if (error instanceof HpackError) throw new ConnectionError('COMPRESSION_ERROR', error.message);
      throw error;
    }
  }

  /** §6.9 */
  #onWindowUpdate(streamId: number, bytes: Buffer, from: number, to: number): void {
    if (to - from !== 4) throw new ConnectionError('FRAME_SIZE_ERROR', 'a WINDOW_UPDATE frame that has not 4 bytes');
    this.#countControlFrame();
    const increment = bytes.readUInt32BE(from) & 0x7fffffff;
    if (streamId === 0) {
      if (increment === 0) throw new ConnectionError('PROTOCOL_ERROR', 'a WINDOW_UPDATE frame by 0');
      this.#options.flow.widen(increment);
      return;
    }
    const stream = this.#streams.get(streamId);
    if (!stream) {
      this.#refuseIdle(streamId, 'WINDOW_UPDATE');
      return;
    }
    if (increment === 0) throw new StreamError(streamId, 'PROTOCOL_ERROR', 'a WINDOW_UPDATE frame by 0');
    if (stream.widen(increment)) {
      throw new StreamError(streamId, 'FLOW_CONTROL_ERROR', 'the window of the stream is larger than 2^31-1');
    }
    this.#options.flow.pump();
  }

  /** §6.4 */
  #onRstStream(streamId: number, bytes: Buffer, from: number, to: number): void {
    if (to - from !== 4) throw new ConnectionError('FRAME_SIZE_ERROR', 'a RST_STREAM frame that has not 4 bytes');
    const stream = this.#streams.get(streamId);
    if (!stream) {
      this.#countControlFrame();
      this.#refuseIdle(streamId, 'RST_STREAM');
      return;
    }
    take(this.#resets, this.#nowMs, 'too many streams that were reset');
    const code = errorCode(bytes.readUInt32BE(from));
    stream.fail({ code, message: `the peer ended the stream: ${code}`, by: 'peer' });
  }

  /** §6.5 */
  #onSettings(flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    if (streamId !== 0) throw new ConnectionError('PROTOCOL_ERROR', 'a SETTINGS frame on a stream');
    take(this.#settingsFrames, this.#nowMs, 'too many SETTINGS frames');
    if (flags & frameFlag.ack) {
      if (to > from) throw new ConnectionError('FRAME_SIZE_ERROR', 'a SETTINGS acknowledgement that is not empty');
      return;
    }
    this.#streams.apply(readSettings(this.#streams.peer, bytes, from, to));
    this.#options.output.settingsAck();
    this.#options.flow.pump();
    this.#isReady = true;
    this.#options.onSettings();
  }

  /** §6.7 */
  #onPing(flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    if (streamId !== 0) throw new ConnectionError('PROTOCOL_ERROR', 'a PING frame on a stream');
    if (to - from !== 8) throw new ConnectionError('FRAME_SIZE_ERROR', 'a PING frame that has not 8 bytes');
    this.#countControlFrame();
    const payload = bytes.subarray(from, to);
    if (flags & frameFlag.ack) this.#options.onPingAck(payload);
    else this.#options.output.ping(payload, true);
  }

  /** §6.8 */
  #onGoaway(streamId: number, bytes: Buffer, from: number, to: number): void {
    if (streamId !== 0) throw new ConnectionError('PROTOCOL_ERROR', 'a GOAWAY frame on a stream');
    if (to - from < 8) throw new ConnectionError('FRAME_SIZE_ERROR', 'a GOAWAY frame of less than 8 bytes');
    this.#countControlFrame();
    const lastStreamId = bytes.readUInt32BE(from) & 0x7fffffff;
    this.#options.onGoaway(
      lastStreamId,
      errorCode(bytes.readUInt32BE(from + 4)),
      bytes.toString('utf8', from + 8, Math.min(to, from + 8 + http2Limits.reasonBytes)),
    );
  }

  /** §6.3: the scheme is deprecated and ignored, its frames are still checked. */
  #onPriority(streamId: number, bytes: Buffer, from: number, to: number): void {
    if (streamId === 0) throw new ConnectionError('PROTOCOL_ERROR', 'a PRIORITY frame on stream 0');
    if (to - from !== 5) throw new StreamError(streamId, 'FRAME_SIZE_ERROR', 'a PRIORITY frame that has not 5 bytes');
    this.#countControlFrame();
    refuseSelfDependency(streamId, bytes.readUInt32BE(from));
  }

  #refuseIdle(streamId: number, frame: string): void {
    if (streamId !== 0 && this.#streams.standing(streamId) !== 'idle') return;
    throw new ConnectionError('PROTOCOL_ERROR', `a ${frame} frame on stream ${streamId}, which was never opened`);
  }

  #countControlFrame(): void {
    take(this.#controlFrames, this.#nowMs, 'too many frames without data');
  }
}

function take(allowance: Allowance, nowMs: number, excess: string, amount = 1): void {
  if (!allowance.take(nowMs, amount)) throw new ConnectionError('ENHANCE_YOUR_CALM', excess);
}

function fail(stream: Http2Stream, problem: StreamProblem | undefined): void {
  if (problem) throw new StreamError(stream.id, problem.code, problem.message);
}
