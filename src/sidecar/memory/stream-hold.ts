import type { RpcStream } from '../../transport/rpc.ts';
import type { MemoryBudget } from './memory-budget.ts';

/** Counts in a budget the bytes that wait for one plugin's stream: not written yet, or still in the transport. */
export class StreamHold {
  readonly #budget: MemoryBudget;
  readonly #stream: Pick<RpcStream<never, never>, 'queuedBytes' | 'drained'>;
  #unwrittenBytes = 0;
  #countedBytes = 0;
  #isFollowing = false;

  constructor(budget: MemoryBudget, stream: Pick<RpcStream<never, never>, 'queuedBytes' | 'drained'>) {
    this.#budget = budget;
    this.#stream = stream;
  }

  arrived(bytes: number): void {
    this.#unwrittenBytes += bytes;
    this.#count();
  }

  /** A message was written to the stream; so many of its bytes had been counted as waiting. */
  written(bytes = 0): void {
    this.#unwrittenBytes -= bytes;
    this.#count();
    void this.#follow();
  }

  /** So many waiting bytes will not be written. */
  dropped(bytes: number): void {
    this.#unwrittenBytes -= bytes;
    this.#count();
  }

  /** The stream has ended, and all waiting bytes are dropped. */
  close(): void {
    this.#unwrittenBytes = 0;
    this.#budget.release(this.#countedBytes);
    this.#countedBytes = 0;
  }

  /** Counts again whenever half of the queued bytes have left. */
  async #follow(): Promise<void> {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    while (this.#stream.queuedBytes > 0) {
      await this.#stream.drained(Math.floor(this.#stream.queuedBytes / 2));
      this.#count();
    }
    this.#isFollowing = false;
  }

  #count(): void {
    const heldBytes = this.#stream.queuedBytes + this.#unwrittenBytes;
    if (heldBytes === this.#countedBytes) return;
    const change = heldBytes - this.#countedBytes;
    this.#countedBytes = heldBytes;
    this.#budget.adjust(change);
  }
}
