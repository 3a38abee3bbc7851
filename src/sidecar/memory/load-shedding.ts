import type { Log } from '../../base/log/log.ts';
import { every, type Scheduler, type Timer } from '../../base/time/scheduler.ts';
import { RpcError } from '../../transport/status.ts';

/** How much of one limit, such as `heap`, the process uses. */
export interface MemoryReading {
  readonly what: string;
  readonly usedBytes: number;
  readonly limitBytes: number;
}

export interface LoadSheddingOptions {
  readonly scheduler: Scheduler;
  readonly log: Log;
  /** Shedding begins at `begin` percent of a limit and ends below `end` percent, whatever is buffered then. */
  readonly percent: { readonly begin: number; readonly end: number };
  /** Reads the use of every limit whose excess ends the process; undefined: nothing is known and nothing is ever shed. */
  readonly read: (() => readonly MemoryReading[]) | undefined;
  /** The bytes of buffered messages. */
  readonly heldBytes: () => number;
  readonly collectGarbage?: (() => void) | undefined;
}

/** Memory can grow by tens of megabytes between a few readings. */
const lookEveryMs = 50;
/**
 * V8 leaves up to 64 MB of garbage outside its heap, where messages are, so this collects it long before. A collection takes
 * about 20 ms.
 */
const collectEveryMs = 250;

/**
 * Memory falls no further after 1 s without buffered messages: the runtime may keep more than the lower threshold, and waiting
 * for it would shed forever.
 */
const settledAfterMs = 1_000;

const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

/**
 * Watches the memory of the process. While memory is short, new publishes and calls are refused and no more credit is given.
 * Calls that keep the sidecar and its plugin alive are never refused.
 */
export class LoadShedding {
  readonly #options: LoadSheddingOptions;
  readonly #onEnd = new Set<() => void>();
  #timer: Timer | undefined;
  #shortOf: MemoryReading | undefined;
  #refused = 0;
  #beganMs = 0;
  #refusedBefore = 0;
  #collectedMs = Number.NEGATIVE_INFINITY;
  #heldMs = 0;

  constructor(options: LoadSheddingOptions) {
    this.#options = options;
  }

  get isShedding(): boolean {
    return this.#shortOf !== undefined;
  }

  get refused(): number {
    return this.#refused;
  }

  start(): void {
    if (this.#options.read) this.#timer ??= every(this.#options.scheduler, lookEveryMs, () => this.#look());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Calls back each time that shedding ends, until the returned function is called. */
  onEnd(listener: () => void): () => void {
    this.#onEnd.add(listener);
    return () => this.#onEnd.delete(listener);
  }

  /** Counts a refusal while load is shed. @throws RpcError RESOURCE_EXHAUSTED, naming the limit that is short. */
  admit(): void {
    if (!this.#shortOf) return;
    this.#refused += 1;
    throw new RpcError('RESOURCE_EXHAUSTED', `the sidecar is short of ${described(this.#shortOf)}; try again`);
  }

  #look(): void {
    const { scheduler, heldBytes, percent } = this.#options;
    const { begin, end } = percent;
    if (heldBytes() > 0) this.#heldMs = scheduler.nowMs();
    let readings = this.#read();
    // Garbage alone must not cause shedding.
    if (above(readings, end) && this.#collect()) readings = this.#read();
    const short = above(readings, this.#shortOf && !this.#isSettled() ? end : begin);
    if (short && !this.#shortOf) this.#begin(short);
    else if (!short && this.#shortOf) this.#end();
    else this.#shortOf = short;
  }

  #isSettled(): boolean {
    return this.#options.scheduler.nowMs() - Math.max(this.#beganMs, this.#heldMs) >= settledAfterMs;
  }

  #read(): readonly MemoryReading[] {
    return this.#options.read?.() ?? [];
  }

  /** False if it was done a moment ago. */
  #collect(): boolean {
    const { scheduler, collectGarbage } = this.#options;
    if (scheduler.nowMs() - this.#collectedMs < collectEveryMs) return false;
    collectGarbage?.();
    this.#collectedMs = scheduler.nowMs();
    return true;
  }

  #begin(short: MemoryReading): void {
    const { log, scheduler } = this.#options;
    this.#shortOf = short;
    this.#beganMs = scheduler.nowMs();
    this.#refusedBefore = this.#refused;
    log.warn(`short of ${described(short)}; new publishes and calls are refused`);
  }

  #end(): void {
    const { log, scheduler } = this.#options;
    this.#shortOf = undefined;
    const forMs = Math.round(scheduler.nowMs() - this.#beganMs);
    log.info('enough memory again', { forMs, refused: this.#refused - this.#refusedBefore });
    for (const listener of [...this.#onEnd]) listener();
  }
}

/** The first of which at least so many percent of the limit are used. */
function above(readings: readonly MemoryReading[], percent: number): MemoryReading | undefined {
  return readings.find(({ usedBytes, limitBytes }) => usedBytes * 100 >= limitBytes * percent);
}

function described({ what, usedBytes, limitBytes }: MemoryReading): string {
  return `${what}: ${mebibytes(usedBytes)} of ${mebibytes(limitBytes)}`;
}
