/** What a peer may do at once, and how much more each second. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** Counts what a peer does against a rate: a token bucket that is refilled when somebody asks. */
export class Allowance {
  readonly #rate: Rate;
  #left: number;
  #filledAtMs: number;

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate;
    this.#left = rate.burst;
    this.#filledAtMs = nowMs;
  }

  /** False if the peer has used up what it may do. */
  take(nowMs: number, amount = 1): boolean {
    this.#left -= amount;
    if (this.#left >= 0) return true;
    const { burst, perSecond } = this.#rate;
    this.#left = Math.min(burst, this.#left + ((nowMs - this.#filledAtMs) / 1_000) * perSecond);
    this.#filledAtMs = nowMs;
    return this.#left >= 0;
  }
}
