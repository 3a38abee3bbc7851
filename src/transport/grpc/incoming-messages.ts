import type { Http2Stream } from '../http2/stream.ts';
import { refuseTooLarge } from '../message.ts';
import { RpcError } from '../status.ts';
import { decompress } from './decompress.ts';
import { prefixBytes } from './message-prefix.ts';
import type { Holder, ReceiveShare } from './receive-budget.ts';

export interface IncomingOptions {
  readonly path: string;
  readonly maxMessageBytes: number;
  /** Of the call, by its headers. */
  readonly encoding?: string | undefined;
  readonly share: ReceiveShare;
  /** What the peer may send ahead of the reader. */
  readonly windowBytes: number;
  readonly nowMs: () => number;
  /** A message came. Its bytes are its own. */
  readonly onMessage: (bytes: Uint8Array) => void;
  /** The call is to be refused. */
  readonly onShed: (error: RpcError) => void;
}

interface Incomplete {
  readonly length: number;
  readonly isCompressed: boolean;
  /** As long as the message, or as a window until it may come as a whole. */
  bytes: Buffer;
  filled: number;
  /** Undefined while it waits for its turn. */
  beganMs: number | undefined;
}

/** The memory of a message that nobody has read yet, beside its bytes. */
const unreadOverheadBytes = 256;

/** Of a call's headers, of its request while it is served: */
const uncountedBytes = 1_024;

/** Puts the messages of one call together from the data of its stream, and lets the peer send as much as is read. */
export class IncomingMessages implements Holder {
  readonly #stream: Http2Stream;
  readonly #options: IncomingOptions;
  #incomplete: Incomplete | undefined;
  /** The beginning of a prefix whose rest has not come yet. */
  #prefix: Uint8Array | undefined;
  #unreadBytes = 0;
  #releaseTurn: (() => void) | undefined;
  #mayBeLarge = false;
  #isOver = false;
  #answeredMs: number | undefined;
  #heldBytes = 0;
  #encoding: string | undefined;

  constructor(stream: Http2Stream, options: IncomingOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#encoding = options.encoding;
  }

  /** The call's headers came after its beginning. */
  compressedWith(encoding: string | undefined): void {
    this.#encoding = encoding;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get messageBeganMs(): number | undefined {
    return this.#incomplete?.beganMs ?? this.#answeredMs;
  }

  get isWaiting(): boolean {
    return this.#incomplete !== undefined && this.#incomplete.beganMs === undefined;
  }

  /** Other bytes are kept for the call. A few are not worth counting: each call costs more. */
  hold(bytes: number): void {
    if (bytes > uncountedBytes && !this.#isOver) this.#hold(bytes);
  }

  /** The request is whole and is being served: the call is not refused any more to get memory. */
  serve(): void {
    this.#options.share.serve(this);
  }

  /** The call has been served, and its request of this length is kept no more. */
  endServing(bytes: number): void {
    if (this.#isOver || this.#heldBytes === 0) return;
    if (bytes > uncountedBytes) this.#release(bytes);
    if (this.#heldBytes > 0) this.#hold(0);
  }

  /** An answer waits for the peer. */
  holdAnswer(bytes: number): void {
    this.#answeredMs = this.#options.nowMs();
    if (!this.#isOver) this.#hold(bytes);
  }

  shed(error: RpcError): void {
    this.#options.onShed(error);
    this.close();
  }

  /** Takes data of the stream, which is only valid during the call. @throws RpcError for a message that is refused */
  push(data: Uint8Array): void {
    let bytes = data;
    if (this.#prefix) {
      bytes = Buffer.concat([this.#prefix, data]);
      this.#prefix = undefined;
    }
    let at = 0;
    while (at < bytes.length && !this.#isOver) {
      if (this.#incomplete) {
        at += this.#fill(this.#incomplete, bytes, at);
      } else if (bytes.length - at < prefixBytes) {
        this.#prefix = Uint8Array.from(bytes.subarray(at));
        return;
      } else {
        at = this.#begin(bytes, at);
      }
    }
    if (this.#incomplete) this.#letRestCome(this.#incomplete);
    // Also behind a whole message: some peers cannot end a stream whose window is used up.
    else if (!this.#isOver) this.#allowMore();
  }

  /** The peer sends no more. @throws RpcError INTERNAL if a message is incomplete */
  end(): void {
    if (!this.#incomplete && !this.#prefix) return;
    throw new RpcError('INTERNAL', `a message of ${this.#options.path} ended before its length`);
  }

  /** A message is kept for a reader, until `taken` with the same length. */
  kept(byteLength: number): void {
    this.#unreadBytes += byteLength + unreadOverheadBytes;
    this.#hold(byteLength + unreadOverheadBytes);
  }

  taken(byteLength: number): void {
    // A reader may go on after the end, when nothing is held any more.
    if (this.#isOver) return;
    this.#unreadBytes -= byteLength + unreadOverheadBytes;
    this.#release(byteLength + unreadOverheadBytes);
    if (this.#incomplete) this.#letRestCome(this.#incomplete);
    else this.#allowMore();
  }

  /** Gives up all that is held. */
  close(): void {
    this.#isOver = true;
    this.#incomplete = undefined;
    this.#endTurn();
    this.#release(this.#heldBytes);
  }

  /** Returns where the next message begins, if this one is complete. */
  #begin(bytes: Uint8Array, at: number): number {
    const { path, maxMessageBytes } = this.#options;
    const flag = bytes[at] ?? 0;
    if (flag > 1) throw new RpcError('INTERNAL', `a message of ${path} that does not begin as gRPC's do`);
    const length =
      (bytes[at + 1] ?? 0) * 0x1000000 +
      (((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0));
    refuseTooLarge({ path, maxMessageBytes }, length);
    const from = at + prefixBytes;
    const to = from + length;
    if (to <= bytes.length) {
      // A copy, since the chunk of the socket is many times larger.
      this.#complete(Buffer.from(bytes.subarray(from, to)), flag === 1);
      return to;
    }
    const { windowBytes } = this.#options;
    const bytesFirst = Math.min(length, windowBytes);
    this.#incomplete = {
      length,
      isCompressed: flag === 1,
      bytes: Buffer.allocUnsafe(bytesFirst),
      filled: 0,
      beganMs: length > windowBytes ? undefined : this.#options.nowMs(),
    };
    this.#hold(bytesFirst);
    return from;
  }

  /** A message that is longer than the window waits until those before it are read, and then for its turn. */
  #letRestCome(incomplete: Incomplete): void {
    const { windowBytes } = this.#options;
    if (incomplete.length <= windowBytes) this.#allowMore();
    if (incomplete.length <= windowBytes || this.#unreadBytes > 0) return;
    this.#releaseTurn ??= this.#options.share.requestLarge(incomplete.length, () => {
      this.#mayBeLarge = true;
      incomplete.beganMs = this.#options.nowMs();
      this.#grow(incomplete);
      this.#allowMore();
    });
    // To hold the rest of it may have been too much.
    if (this.#isOver) this.#endTurn();
  }

  #grow(incomplete: Incomplete): void {
    const { bytes, length, filled } = incomplete;
    incomplete.bytes = Buffer.allocUnsafe(length);
    incomplete.bytes.set(bytes.subarray(0, filled));
    this.#hold(length - bytes.length);
  }

  /** Returns how many bytes it took. */
  #fill(incomplete: Incomplete, bytes: Uint8Array, at: number): number {
    if (incomplete.filled === incomplete.bytes.length) this.#grow(incomplete);
    const count = Math.min(bytes.length - at, incomplete.bytes.length - incomplete.filled);
    incomplete.bytes.set(bytes.subarray(at, at + count), incomplete.filled);
    incomplete.filled += count;
    if (incomplete.filled === incomplete.length) {
      this.#incomplete = undefined;
      this.#endTurn();
      this.#release(incomplete.bytes.length);
      this.#complete(incomplete.bytes, incomplete.isCompressed);
    }
    return count;
  }

  #complete(bytes: Uint8Array, isCompressed: boolean): void {
    const { maxMessageBytes, onMessage } = this.#options;
    onMessage(isCompressed ? decompress(bytes, this.#encoding, maxMessageBytes) : bytes);
  }

  /** Widens the stream's window once half of it is used, or if the message that is coming needs it. */
  #allowMore(): void {
    const { windowBytes } = this.#options;
    const filledBytes = this.#incomplete?.filled ?? 0;
    const missingBytes = this.#incomplete ? this.#incomplete.length - filledBytes : 0;
    const freeBytes = windowBytes - this.#unreadBytes - filledBytes;
    const openBytes = this.#stream.receiveWindowBytes;
    const moreBytes = (this.#mayBeLarge ? Math.max(freeBytes, missingBytes) : freeBytes) - openBytes;
    if (missingBytes > openBytes || moreBytes * 2 >= windowBytes) this.#stream.allow(moreBytes);
  }

  #endTurn(): void {
    this.#mayBeLarge = false;
    this.#releaseTurn?.();
    this.#releaseTurn = undefined;
  }

  #hold(bytes: number): void {
    this.#heldBytes += bytes;
    this.#options.share.hold(this, bytes);
  }

  #release(bytes: number): void {
    this.#heldBytes -= bytes;
    this.#options.share.release(this, bytes);
  }
}
