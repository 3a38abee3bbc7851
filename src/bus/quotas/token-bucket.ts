/** How much may come at once when nothing came before: what the rate gives in this time. */
const burstSeconds = 2;

/** Lets so much through in a second, and twice as much at once. What is larger than that passes when nothing came before it. */
export class TokenBucket {
  readonly #perSecond: number;
  #used = 0;
  #atMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#atMs = nowMs;
  }

  get capacity(): number {
    return this.#perSecond * burstSeconds;
  }

  /** How much has come at once, with what it leaves no room for counted in. */
  used(nowMs: number): number {
    this.#used = Math.max(0, this.#used - ((nowMs - this.#atMs) / 1_000) * this.#perSecond);
    this.#atMs = nowMs;
    return this.#used;
  }

  /** How long until there is room for so much; 0 when there is now. */
  waitMs(cost: number, nowMs: number): number {
    const used = this.used(nowMs);
    const over = Math.min(used, used + cost - this.capacity);
    return over <= 0 ? 0 : Math.ceil((over / this.#perSecond) * 1_000);
  }

  take(cost: number, nowMs: number): void {
    this.#used = this.used(nowMs) + cost;
  }
}
