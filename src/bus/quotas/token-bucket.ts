/** The bucket's size: what the rate gives in this time. */
const burstSeconds = 2;

/** Allows the rate per second and bursts of twice that. A larger cost passes when nothing came before. */
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

  /** How much of the burst is used at this time. */
  used(nowMs: number): number {
    this.#used = Math.max(0, this.#used - ((nowMs - this.#atMs) / 1_000) * this.#perSecond);
    this.#atMs = nowMs;
    return this.#used;
  }

  /** How long until the cost is allowed. 0: now. */
  waitMs(cost: number, nowMs: number): number {
    const used = this.used(nowMs);
    const over = Math.min(used, used + cost - this.capacity);
    return over <= 0 ? 0 : Math.ceil((over / this.#perSecond) * 1_000);
  }

  take(cost: number, nowMs: number): void {
    this.#used = this.used(nowMs) + cost;
  }
}
