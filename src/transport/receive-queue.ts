import type { ReadyIterator } from '../base/async/ready-iterator.ts';
import { SequenceRing } from '../base/sequence-ring.ts';

export interface InboxOptions<T> {
  readonly decode: (bytes: Uint8Array) => T;
  /** Called for every message that the reader took or that will never be read. */
  readonly onTaken: (byteLength: number) => void;
}

/**
 * Received messages that wait for their reader. Iterating ends after the last one if `end` was called, and throws at once after `fail`.
 * After a reader leaves the iteration early, later messages are discarded.
 */
export class ReceiveQueue<T> implements AsyncIterable<T> {
  readonly #options: InboxOptions<T>;
  #messages = new SequenceRing<Uint8Array>();
  #bytes = 0;
  #iterated = false;
  #abandoned = false;
  #ended = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(options: InboxOptions<T>) {
    this.#options = options;
  }

  get length(): number {
    return this.#messages.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(bytes: Uint8Array): void {
    if (this.#abandoned) {
      this.#options.onTaken(bytes.byteLength);
    } else {
      this.#messages.push(bytes);
      this.#bytes += bytes.byteLength;
      this.#wake?.();
    }
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  fail(failure: Error): void {
    this.#failure ??= failure;
    this.#wake?.();
  }

  [Symbol.asyncIterator](): ReadyIterator<T> {
    if (this.#iterated) throw new Error('a stream may be iterated only once');
    this.#iterated = true;
    return {
      next: () => this.#next(),
      takeReady: () => this.#take(),
      return: async () => {
        this.#abandon();
        return { done: true, value: undefined };
      },
    };
  }

  async #next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      const value = this.#take();
      if (value !== undefined) return { done: false, value };
      if (this.#failure && !this.#abandoned) {
        this.#abandon();
        throw this.#failure;
      }
      if (this.#ended || this.#abandoned) {
        this.#abandon();
        return { done: true, value: undefined };
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  #take(): T | undefined {
    const bytes = this.#failure ? undefined : this.#messages.delete(this.#messages.first);
    if (!bytes) return undefined;
    this.#bytes -= bytes.byteLength;
    this.#options.onTaken(bytes.byteLength);
    try {
      return this.#options.decode(bytes);
    } catch (error) {
      this.#abandon();
      throw error;
    }
  }

  #abandon(): void {
    this.#abandoned = true;
    this.#bytes = 0;
    for (const { byteLength } of this.#messages) this.#options.onTaken(byteLength);
    this.#messages = new SequenceRing();
  }
}
