import type { ReadyIterator } from '../base/async/ready-iterator.ts';
import { decodeMessage, encodeMessage, type MessageFormat, refuseTooLarge } from './message.ts';
import { QueuedBytes } from './queued-bytes.ts';
import { ReceiveQueue } from './receive-queue.ts';
import type { RpcStream } from './rpc.ts';
import { RpcError } from './status.ts';

/** The memory of a queued message beside its bytes: a frame, callbacks and its entries in three queues. */
const messageOverheadBytes = 1_024;

export interface StreamFormats<Incoming, Outgoing> {
  readonly incoming: MessageFormat<Incoming>;
  readonly outgoing: MessageFormat<Outgoing>;
}

/** One end of a stream over any transport: a queue of received messages, a count of queued bytes, and an end. */
export abstract class StreamEnd<Incoming, Outgoing> implements RpcStream<Incoming, Outgoing> {
  protected readonly inbox: ReceiveQueue<Incoming>;
  readonly #outflow = new QueuedBytes();
  readonly #formats: StreamFormats<Incoming, Outgoing>;
  readonly #over = new AbortController();
  /** The same as `over.aborted`, which takes longer to ask. */
  #isOver = false;
  #writingEnded = false;

  constructor(formats: StreamFormats<Incoming, Outgoing>) {
    this.#formats = formats;
    this.inbox = new ReceiveQueue({
      decode: (bytes) => this.#decode(bytes),
      onTaken: (byteLength) => this.onTaken(byteLength),
    });
  }

  get over(): AbortSignal {
    return this.#over.signal;
  }

  get queuedBytes(): number {
    return this.#outflow.bytes;
  }

  drained(thresholdBytes = 0): Promise<void> {
    return this.#outflow.atMost(thresholdBytes);
  }

  write(message: Outgoing): number {
    if (this.#isOver || this.#writingEnded) return this.#outflow.bytes;
    let bytes: Uint8Array;
    try {
      bytes = encodeMessage(this.#formats.outgoing, message);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      this.fail(error);
      return 0;
    }
    this.#outflow.add(bytes.byteLength + messageOverheadBytes);
    this.send(bytes);
    return this.#outflow.bytes;
  }

  [Symbol.asyncIterator](): ReadyIterator<Incoming> {
    return this.inbox[Symbol.asyncIterator]();
  }

  /** Ends the call from this end and tells the other end. */
  abstract fail(error: RpcError): void;

  /** Passes a message on. The transport calls `left` with its length once it has left. */
  protected abstract send(bytes: Uint8Array): void;

  protected abstract onTaken(byteLength: number): void;

  /** A message of this many bytes has left, or never will. */
  protected left(byteLength: number): void {
    this.#outflow.remove(byteLength + messageOverheadBytes);
  }

  /** A message arrived. One that is too large fails the call. */
  protected arrived(bytes: Uint8Array): void {
    try {
      refuseTooLarge(this.#formats.incoming, bytes.byteLength);
      this.inbox.push(bytes);
    } catch (error) {
      this.fail(RpcError.from(error));
    }
  }

  protected endWriting(): void {
    this.#writingEnded = true;
  }

  /** The call is over here; only the first time counts. The reader still gets all received messages unless the call failed. */
  protected finish(failure?: RpcError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (failure) this.inbox.fail(failure);
    this.#outflow.release();
    this.#over.abort(failure);
  }

  #decode(bytes: Uint8Array): Incoming {
    try {
      return decodeMessage(this.#formats.incoming, bytes);
    } catch (error) {
      const failure = RpcError.from(error);
      this.fail(failure);
      throw failure;
    }
  }
}
