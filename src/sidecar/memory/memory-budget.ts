import { RpcError } from '../../transport/status.ts';

/** Counts the bytes of messages that the sidecar buffers in one direction, and bounds them. */
export class MemoryBudget {
  readonly limitBytes: number;
  readonly #what: string;
  readonly #onRoom = new Set<() => void>();
  #heldBytes = 0;

  /** `what` begins the refusal: `messages that wait for the bus`. */
  constructor(limitBytes: number, what: string) {
    this.limitBytes = limitBytes;
    this.#what = what;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Whether so many more bytes fit. A single message always fits, however large, while nothing else is buffered. */
  fits(bytes: number): boolean {
    return this.#heldBytes === 0 || this.#heldBytes + bytes <= this.limitBytes;
  }

  /** Reserves these bytes. @throws RpcError RESOURCE_EXHAUSTED, naming limit and value, when they do not fit. */
  reserve(bytes: number): void {
    if (!this.fits(bytes)) {
      throw new RpcError(
        'RESOURCE_EXHAUSTED',
        `${this.#what} hold ${this.#heldBytes} bytes of the sidecar's memory; ${bytes} more would be over the limit of ${this.limitBytes}`,
      );
    }
    this.#heldBytes += bytes;
  }

  /** Adds to, or subtracts from, the count without a check. */
  adjust(bytes: number): void {
    this.#heldBytes += bytes;
    if (bytes < 0) for (const listener of [...this.#onRoom]) listener();
  }

  release(bytes: number): void {
    this.adjust(-bytes);
  }

  /** Calls back whenever the count falls. */
  onRoom(listener: () => void): void {
    this.#onRoom.add(listener);
  }
}
