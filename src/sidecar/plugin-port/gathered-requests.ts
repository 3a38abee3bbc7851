import { limits } from '../../contract/wire/limits.ts';

export interface GatheredRequestsOptions {
  readonly acknowledge: (positions: readonly bigint[]) => void;
  readonly passCreditOn: () => void;
}

/**
 * Passes on together what arrives together: many acks become one, within the limit of positions in a message, and so does credit. A burst
 * of messages is handled within one turn, so the end of the turn is the end of the burst.
 */
export class GatheredRequests {
  readonly #options: GatheredRequestsOptions;
  #positions: bigint[] = [];
  #isDue = false;

  constructor(options: GatheredRequestsOptions) {
    this.#options = options;
  }

  acknowledge(positions: readonly bigint[]): void {
    if (this.#positions.length + positions.length > limits.positions) this.passAcksOn();
    for (const position of positions) this.#positions.push(position);
    this.#passOnSoon();
  }

  /** There may be credit to pass on. */
  credit(): void {
    this.#passOnSoon();
  }

  /** Passes the acks on at once. */
  passAcksOn(): void {
    const positions = this.#positions;
    if (positions.length === 0) return;
    this.#positions = [];
    this.#options.acknowledge(positions);
  }

  #passOnSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.passAcksOn();
      this.#options.passCreditOn();
    });
  }
}
