import type { Log } from '../../base/log/log.ts';
import { every, type Scheduler, type Timer } from '../../base/time/scheduler.ts';
import { RpcError } from '../../transport/status.ts';

/** What the process uses of one of its limits, such as `heap`. */
export interface MemoryReading {
  readonly what: string;
  readonly usedBytes: number;
  readonly limitBytes: number;
}

export interface LoadSheddingOptions {
  readonly scheduler: Scheduler;
  readonly log: Log;
  /** Percent of a limit from which on load is shed, and below which it is taken again, whatever is held then. */
  readonly percent: { readonly begin: number; readonly end: number };
  /** Every limit that the process can die of; undefined: nothing is known and nothing ever shed. */
  readonly read: (() => readonly MemoryReading[]) | undefined;
  /** The bytes of messages that are held. */
  readonly heldBytes: () => number;
  /** Collects garbage at once. */
  readonly collectGarbage?: (() => void) | undefined;
}

/** Memory can grow by tens of megabytes in the time of a few looks. */
const lookEveryMs = 50;
/**
 * V8 leaves up to 64 MB of garbage outside of its heap, which is where messages are, so this collects it long before. A
 * collection takes some 20 ms.
 */
const collectEveryMs = 250;

/**
 * Once nothing was held for so long, memory falls no further: what the runtime keeps of it for the next messages can be more
 * than the lower threshold, and waiting for that would shed for ever.
 */
const settledAfterMs = 1_000;

const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

/**
 * Watches the memory of the process and says when there is too little of it: new publishes and calls are then refused and no
 * more credit is given, until there is enough again. What keeps the sidecar and its plugin alive is never refused.
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

  /** How many requests were refused since the start. */
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

  /** Calls back each time that load is taken again, until the returned function is called. */
  onEnd(listener: () => void): () => void {
    this.#onEnd.add(listener);
    return () => this.#onEnd.delete(listener);
  }

  /** Counts a refusal while load is shed. @throws RpcError RESOURCE_EXHAUSTED with what is short. */
  admit(): void {
    if (!this.#shortOf) return;
    this.#refused += 1;
    throw new RpcError('RESOURCE_EXHAUSTED', `the sidecar is short of ${described(this.#shortOf)}; try again`);
  }

  #look(): void {
    const { scheduler, heldBytes, percent } = this.#options;
    const { begin, end } = percent;
    if (heldBytes() > 0) this.#heldMs = scheduler.nowMs();
    // What is only garbage sheds nothing.
    if (this.#above(end)) this.#collect();
    const short = this.#above(this.#shortOf && !this.#isSettled() ? end : begin);
    if (short && !this.#shortOf) this.#begin(short);
    else if (!short && this.#shortOf) this.#end();
    else this.#shortOf = short;
  }

  #isSettled(): boolean {
    return this.#options.scheduler.nowMs() - Math.max(this.#beganMs, this.#heldMs) >= settledAfterMs;
  }

  #collect(): void {
    const { scheduler, collectGarbage } = this.#options;
    if (scheduler.nowMs() - this.#collectedMs < collectEveryMs) return;
    collectGarbage?.();
    this.#collectedMs = scheduler.nowMs();
  }

  #above(percent: number): MemoryReading | undefined {
    return this.#options.read?.().find(({ usedBytes, limitBytes }) => usedBytes * 100 >= limitBytes * percent);
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

function described({ what, usedBytes, limitBytes }: MemoryReading): string {
  return `${what}: ${mebibytes(usedBytes)} of ${mebibytes(limitBytes)}`;
}
