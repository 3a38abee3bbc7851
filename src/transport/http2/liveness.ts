export interface Keepalive {
  /** A peer that was silent for this long is asked for a sign of life. */
  readonly idleMs: number;
  /** A peer that does not answer within this long is given up. */
  readonly timeoutMs: number;
}

/** Whether the peer still lives, by when it was heard. */
export class Liveness {
  #heardAtMs: number;
  #askedAtMs: number | undefined;

  constructor(nowMs: number) {
    this.#heardAtMs = nowMs;
  }

  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
    this.#askedAtMs = undefined;
  }

  /** What to do now: nothing, ask the peer, or give it up because it was silent for so many milliseconds. */
  judge(nowMs: number, { idleMs, timeoutMs }: Keepalive): 'nothing' | 'ask' | { readonly silentMs: number } {
    const silentMs = nowMs - this.#heardAtMs;
    if (this.#askedAtMs !== undefined) return nowMs - this.#askedAtMs >= timeoutMs ? { silentMs } : 'nothing';
    if (silentMs < idleMs) return 'nothing';
    this.#askedAtMs = nowMs;
    return 'ask';
  }
}
