import type { Log } from '../../base/log.ts';
import { every, type Scheduler, type Timer } from '../../base/scheduler.ts';
import { RpcError } from '../../transport/status.ts';

/** What the process uses of one of its limits, such as its resident memory. */
export interface MemoryReading {
  readonly what: string;
  readonly usedBytes: number;
  readonly limitBytes: number;
}

export interface LoadSheddingOptions {
  readonly scheduler: Scheduler;
  readonly log: Log;
  /** Percent of a limit from which on load is shed, and below which it is taken again. */
  readonly percent: { readonly begin: number; readonly end: number };
  /** Every limit that the process can die of; undefined: nothing is known and nothing ever shed. */
  readonly read: (() => readonly MemoryReading[]) | undefined;
  /** Collects garbage at once, so that what is only garbage sheds nothing. */
  readonly collectGarbage?: (() => void) | undefined;
}

/** Memory can grow by tens of megabytes in the time of a few looks. */
const lookEveryMs = 50;
/** A collection takes longer than a look, and one that freed nothing is not worth another at once. */
const collectEveryMs = 1_000;

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
    throw new RpcError('RESOURCE_EXHAUSTED', `the sidecar is short of memory: ${described(this.#shortOf)}; try again`);
  }

  #look(): void {
    if (!this.#shortOf) {
      const short = this.#above(this.#options.percent.begin);
      if (short && this.#stillShort()) this.#begin(short);
      return;
    }
    const short = this.#above(this.#options.percent.end);
    if (!short || !this.#stillShort()) this.#end();
    else this.#shortOf = short;
  }

  /** Looks a second time without garbage, unless that was just done. */
  #stillShort(): boolean {
    const { scheduler, collectGarbage, percent } = this.#options;
    const nowMs = scheduler.nowMs();
    if (!collectGarbage || nowMs - this.#collectedMs < collectEveryMs) return true;
    collectGarbage();
    this.#collectedMs = scheduler.nowMs();
    return this.#above(this.#shortOf ? percent.end : percent.begin) !== undefined;
  }

  #above(percent: number): MemoryReading | undefined {
    return this.#options.read?.().find(({ usedBytes, limitBytes }) => usedBytes * 100 >= limitBytes * percent);
  }

  #begin(short: MemoryReading): void {
    const { log, scheduler } = this.#options;
    this.#shortOf = short;
    this.#beganMs = scheduler.nowMs();
    this.#refusedBefore = this.#refused;
    log.warn('short of memory: new publishes and calls are refused', { used: described(short) });
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
  return `${mebibytes(usedBytes)} of ${mebibytes(limitBytes)} ${what}`;
}
