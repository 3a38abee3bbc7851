import type { RpcStream } from './rpc.ts';

export interface SendQueueLimits {
  /** While more than this waits in the stream, messages wait here, where they can still be dropped. */
  readonly streamBytes: number;
  /** The most that may wait here. */
  readonly waitingBytes: number;
}

interface Waiting {
  readonly bytes: number;
  readonly send: () => void;
}

/** Sends messages in order as the peer reads. A waiting message can be dropped. */
export class SendQueue {
  readonly #stream: Pick<RpcStream<never, never>, 'queuedBytes' | 'drained'>;
  readonly #limits: SendQueueLimits;
  readonly #waiting = new Set<Waiting>();
  #waitingBytes = 0;
  #isFollowing = false;

  constructor(stream: Pick<RpcStream<never, never>, 'queuedBytes' | 'drained'>, limits: SendQueueLimits) {
    this.#stream = stream;
    this.#limits = limits;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** True if a message of this size is accepted now. A message that would be alone always is. */
  hasCapacity(bytes: number): boolean {
    return this.#waiting.size === 0 || this.#waitingBytes + bytes <= this.#limits.waitingBytes;
  }

  /** Sends now or later. The returned function drops the message if it was not sent. Check the capacity first. */
  add(bytes: number, send: () => void): () => void {
    const waiting = { bytes, send };
    this.#waiting.add(waiting);
    this.#waitingBytes += bytes;
    this.#sendWhatFits();
    return () => this.#remove(waiting);
  }

  #remove(waiting: Waiting): void {
    if (this.#waiting.delete(waiting)) this.#waitingBytes -= waiting.bytes;
  }

  #sendWhatFits(): void {
    for (const waiting of this.#waiting) {
      if (this.#stream.queuedBytes > this.#limits.streamBytes) {
        void this.#follow();
        return;
      }
      this.#remove(waiting);
      waiting.send();
    }
  }

  async #follow(): Promise<void> {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    await this.#stream.drained(this.#limits.streamBytes / 2);
    this.#isFollowing = false;
    this.#sendWhatFits();
  }
}
