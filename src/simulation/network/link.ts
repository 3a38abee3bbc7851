import type { Scheduler } from '../../base/time/scheduler.ts';

/** The range from which each message's latency is evenly drawn. */
export interface LatencyRange {
  readonly minMs: number;
  readonly maxMs: number;
}

/** The wire between two ends: it delays frames, may be held for a while, and may be cut permanently. */
export class Link {
  readonly scheduler: Scheduler;
  readonly #latency: LatencyRange;
  #state: 'open' | 'held' | 'cut' = 'open';
  #waitingForRelease: (() => void)[] = [];
  readonly #cutListeners: (() => void)[] = [];

  constructor(scheduler: Scheduler, latency: LatencyRange) {
    this.scheduler = scheduler;
    this.#latency = latency;
  }

  get isCut(): boolean {
    return this.#state === 'cut';
  }

  get isHeld(): boolean {
    return this.#state === 'held';
  }

  drawLatencyMs(): number {
    const { minMs, maxMs } = this.#latency;
    return minMs + this.scheduler.random.next() * (maxMs - minMs);
  }

  /** Each end learns of a cut one latency later. */
  onCut(listener: () => void): void {
    this.#cutListeners.push(listener);
  }

  cut(): void {
    if (this.isCut) return;
    this.#state = 'cut';
    this.#waitingForRelease = [];
    for (const listener of this.#cutListeners) this.scheduler.setTimer(this.drawLatencyMs(), listener);
  }

  /** Nothing arrives until `release`. Frames sent meanwhile are kept, as in TCP. */
  hold(): void {
    if (this.#state === 'open') this.#state = 'held';
  }

  release(): void {
    if (this.#state !== 'held') return;
    this.#state = 'open';
    for (const goOn of this.#waitingForRelease.splice(0)) goOn();
  }

  whenReleased(goOn: () => void): void {
    this.#waitingForRelease.push(goOn);
  }
}

/** One direction of one call: frames arrive in order, each after its latency. */
export class Pipe<Frame> {
  readonly #link: Link;
  readonly #deliver: (frame: Frame) => void;
  readonly #underWay: { readonly dueMs: number; readonly frame: Frame }[] = [];
  #lastDueMs = 0;

  constructor(link: Link, deliver: (frame: Frame) => void) {
    this.#link = link;
    this.#deliver = deliver;
  }

  send(frame: Frame): void {
    if (this.#link.isCut) return;
    this.#lastDueMs = Math.max(this.#lastDueMs, this.#link.scheduler.nowMs() + this.#link.drawLatencyMs());
    this.#underWay.push({ dueMs: this.#lastDueMs, frame });
    if (this.#underWay.length === 1) this.#awaitNext();
  }

  #awaitNext(): void {
    const next = this.#underWay[0];
    if (!next) return;
    this.#link.scheduler.setTimer(next.dueMs - this.#link.scheduler.nowMs(), () => this.#arrive());
  }

  #arrive(): void {
    if (this.#link.isCut) return;
    if (this.#link.isHeld) {
      this.#link.whenReleased(() => this.#awaitNext());
      return;
    }
    const next = this.#underWay[0];
    if (!next) return;
    this.#deliver(next.frame);
    this.#underWay.shift();
    this.#awaitNext();
  }
}
