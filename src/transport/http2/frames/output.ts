import type { Socket } from 'node:net';
import { type ErrorCode, errorCodes } from './error-code.ts';
import { frameFlag, frameHeaderBytes, frameType } from './frame.ts';

/** A larger body is passed on as it is; a smaller one is cheaper to copy than to write as a piece of its own. */
const copiedBytesMax = 4_096;

const initialBufferBytes = 1_024;

/** No head. */
export const nothing = new Uint8Array(0);

/**
 * Frames of one connection on their way to its socket. What is written in one turn of the event loop leaves together, in one call of the
 * system: a call costs many times what a frame does.
 */
export class Output {
  readonly #socket: Socket;
  readonly #onFlushed: () => void;
  #buffer = Buffer.allocUnsafe(initialBufferBytes);
  #used = 0;
  /** What leaves before the buffer. */
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;
  #isScheduled = false;
  /** The last DATA frame, if nothing follows it in the buffer. More data of its stream makes it longer. */
  #lastData = { at: -1, streamId: 0, length: 0 };

  /** `onFlushed` is called after each flush. */
  constructor(socket: Socket, onFlushed: () => void) {
    this.#socket = socket;
    this.#onFlushed = onFlushed;
  }

  /** What has not left yet, here and in the socket. */
  get unsentBytes(): number {
    return this.#used + this.#piecesBytes + this.#socket.writableLength;
  }

  /** Bytes outside of frames: the client's preface. */
  raw(bytes: Uint8Array): void {
    this.#append(bytes, 0, bytes.length);
  }

  /** A header block in one HEADERS frame and as many CONTINUATION frames as it needs: §6.2, §6.10 */
  headers(streamId: number, block: Uint8Array, isEnd: boolean, frameBytesMax: number): void {
    const endStream = isEnd ? frameFlag.endStream : 0;
    let from = 0;
    do {
      const to = Math.min(block.length, from + frameBytesMax);
      const endHeaders = to === block.length ? frameFlag.endHeaders : 0;
      const type = from === 0 ? frameType.headers : frameType.continuation;
      this.#header(to - from, type, from === 0 ? endStream | endHeaders : endHeaders, streamId);
      this.#append(block, from, to);
      from = to;
    } while (from < block.length);
  }

  /** Data of a stream: parts of a head and of a body, which must not change any more. It fits into one frame: §6.1 */
  data(streamId: number, head: Uint8Array, body: Uint8Array, isEnd: boolean, frameBytesMax: number): void {
    const length = head.length + body.length;
    const isLarge = body.length > copiedBytesMax;
    const { at, streamId: lastStreamId, length: lastLength } = this.#lastData;
    if (at >= 0 && lastStreamId === streamId && !isLarge && lastLength + length <= frameBytesMax) {
      this.#lastData.length += length;
      this.#buffer.writeUIntBE(lastLength + length, at, 3);
      if (isEnd) this.#buffer.writeUInt8(frameFlag.endStream, at + 4);
    } else {
      const at = this.#header(length, frameType.data, isEnd ? frameFlag.endStream : 0, streamId);
      if (!isLarge) this.#lastData = { at, streamId, length };
    }
    this.#append(head, 0, head.length);
    if (isLarge) this.#addPiece(body);
    else this.#append(body, 0, body.length);
    if (isEnd) this.#lastData.at = -1;
  }

  /** §6.4 */
  rstStream(streamId: number, code: ErrorCode): void {
    const at = this.#header(4, frameType.rstStream, 0, streamId);
    this.#buffer.writeUInt32BE(errorCodes.indexOf(code), at + frameHeaderBytes);
    this.#used += 4;
  }

  /** §6.5 */
  settings(payload: Uint8Array): void {
    this.#header(payload.length, frameType.settings, 0, 0);
    this.#append(payload, 0, payload.length);
  }

  settingsAck(): void {
    this.#header(0, frameType.settings, frameFlag.ack, 0);
  }

  /** §6.7 */
  ping(payload: Uint8Array, isAck: boolean): void {
    this.#header(payload.length, frameType.ping, isAck ? frameFlag.ack : 0, 0);
    this.#append(payload, 0, payload.length);
  }

  /** §6.8 */
  goaway(lastStreamId: number, code: ErrorCode, reason: string): void {
    const debugData = Buffer.from(reason);
    const at = this.#header(8 + debugData.length, frameType.goaway, 0, 0) + frameHeaderBytes;
    this.#buffer.writeUInt32BE(lastStreamId, at);
    this.#buffer.writeUInt32BE(errorCodes.indexOf(code), at + 4);
    this.#used += 8;
    this.#append(debugData, 0, debugData.length);
  }

  /** §6.9. Stream 0 is the connection. */
  windowUpdate(streamId: number, bytes: number): void {
    const at = this.#header(4, frameType.windowUpdate, 0, streamId);
    this.#buffer.writeUInt32BE(bytes, at + frameHeaderBytes);
    this.#used += 4;
  }

  /** Hands everything to the socket now. */
  flush(): void {
    this.#isScheduled = false;
    if (this.#used + this.#piecesBytes > 0 && this.#socket.writable) {
      if (this.#pieces.length === 0) {
        this.#socket.write(this.#takeBuffer());
      } else {
        if (this.#used > 0) this.#pieces.push(this.#takeBuffer());
        this.#socket.cork();
        for (const piece of this.#pieces) this.#socket.write(piece);
        this.#socket.uncork();
      }
    }
    this.#pieces = [];
    this.#piecesBytes = 0;
    this.#used = 0;
    this.#lastData.at = -1;
    this.#onFlushed();
  }

  /** Returns where the frame begins. */
  #header(length: number, type: number, flags: number, streamId: number): number {
    this.#reserve(frameHeaderBytes + 8);
    const at = this.#used;
    const buffer = this.#buffer;
    buffer.writeUInt32BE(((length << 8) | type) >>> 0, at);
    buffer.writeUInt8(flags, at + 4);
    buffer.writeUInt32BE(streamId, at + 5);
    this.#used = at + frameHeaderBytes;
    this.#lastData.at = -1;
    return at;
  }

  #append(bytes: Uint8Array, from: number, to: number): void {
    const length = to - from;
    this.#reserve(length);
    this.#buffer.set(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to), this.#used);
    this.#used += length;
  }

  #addPiece(bytes: Uint8Array): void {
    const before = this.#takeBuffer();
    this.#pieces.push(before, bytes);
    this.#piecesBytes += before.length + bytes.length;
    this.#used = 0;
    this.#lastData.at = -1;
  }

  #takeBuffer(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#used));
  }

  #reserve(bytes: number): void {
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      // Not a microtask: those of one turn end calls, and their answers are to leave together.
      setImmediate(() => {
        if (this.#isScheduled) this.flush();
      });
    }
    if (this.#used + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#used + bytes));
    larger.set(this.#buffer.subarray(0, this.#used));
    this.#buffer = larger;
  }
}
