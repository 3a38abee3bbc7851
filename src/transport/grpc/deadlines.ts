/** A call that ends at a time. */
export interface Expiring {
  /** Of the clock that the deadlines run on. */
  readonly deadlineMs: number;
  expire(): void;
}

/** Ends calls at their deadlines with one timer for all of them: hardly any call reaches its own. */
export class Deadlines {
  readonly #nowMs: () => number;
  readonly #calls = new Set<Expiring>();
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(call: Expiring): void {
    this.#calls.add(call);
    if (call.deadlineMs < this.#timerAtMs) this.#schedule(call.deadlineMs);
  }

  delete(call: Expiring): void {
    this.#calls.delete(call);
    if (this.#calls.size === 0) this.#cancel();
  }

  #expire(): void {
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#nowMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const call of [...this.#calls]) {
      if (call.deadlineMs > nowMs) {
        nextMs = Math.min(nextMs, call.deadlineMs);
        continue;
      }
      this.#calls.delete(call);
      call.expire();
    }
    if (nextMs < this.#timerAtMs) this.#schedule(nextMs);
  }

  #schedule(atMs: number): void {
    clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    const delayMs = Math.min(Math.max(0, Math.ceil(atMs - this.#nowMs())), 2 ** 31 - 1);
    this.#timer = setTimeout(() => this.#expire(), delayMs);
  }

  #cancel(): void {
    clearTimeout(this.#timer);
    this.#timerAtMs = Number.POSITIVE_INFINITY;
  }
}
