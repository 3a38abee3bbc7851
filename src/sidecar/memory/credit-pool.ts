/**
 * Bounds the bytes of credit that all subscriptions together have outstanding at the bus. One subscription's share depends on
 * how many there are; one with more than its share returns the excess as it is used.
 */
export class CreditPool {
  readonly #limitBytes: number;
  readonly #isShut: () => boolean;
  #members = 0;
  #outstandingBytes = 0;

  /** While `isShut` is true, no credit is given. */
  constructor(limitBytes: number, isShut: () => boolean = () => false) {
    this.#limitBytes = limitBytes;
    this.#isShut = isShut;
  }

  get outstandingBytes(): number {
    return this.#outstandingBytes;
  }

  get isShut(): boolean {
    return this.#isShut();
  }

  join(): void {
    this.#members += 1;
  }

  leave(outstandingBytes: number): void {
    this.#members -= 1;
    this.changed(outstandingBytes, 0);
  }

  /** How much more credit a member with this much outstanding may get: enough for one message, however little is left. */
  roomFor(outstandingBytes: number): number {
    const share = this.#limitBytes / Math.max(1, this.#members);
    const left = this.#limitBytes - this.#outstandingBytes + Math.max(0, outstandingBytes);
    // The bus delivers a message of any size while there is at least one byte of credit.
    return Math.max(1, Math.floor(Math.min(share, left))) - outstandingBytes;
  }

  changed(fromBytes: number, toBytes: number): void {
    this.#outstandingBytes += Math.max(0, toBytes) - Math.max(0, fromBytes);
  }
}
