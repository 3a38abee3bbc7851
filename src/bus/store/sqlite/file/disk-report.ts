import type { Log } from '../../../../base/log/log.ts';
import type { Scheduler, Timer } from '../../../../base/time/scheduler.ts';

/** The shortest time between two lines about a full disk. */
const tellEveryMs = 60_000;

export interface DiskReportOptions {
  readonly log: Log;
  readonly scheduler: Scheduler;
  readonly path: string;
}

/** Logs that the store's disk is full, repeats it from time to time, and logs when it has space again. */
export class DiskReport {
  readonly #options: DiskReportOptions;
  #isFull = false;
  #isTold = false;
  #toldMs = Number.NEGATIVE_INFINITY;
  #next: Timer | undefined;

  constructor(options: DiskReportOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  set(isFull: boolean): void {
    const { log, path } = this.#options;
    this.#isFull = isFull;
    this.#next?.cancel();
    if (isFull) this.#tell();
    else if (this.#isTold) log.info('the disk of the store has space again', { store: path });
    this.#isTold &&= isFull;
  }

  close(): void {
    this.#next?.cancel();
  }

  #tell(): void {
    const { log, scheduler, path } = this.#options;
    const waitMs = this.#toldMs + tellEveryMs - scheduler.nowMs();
    if (waitMs <= 0) {
      this.#toldMs = scheduler.nowMs();
      this.#isTold = true;
      log.warn(
        'the disk of the store is full: publishes are refused until it has space; acks and plugin state are still stored',
        { store: path },
      );
    }
    this.#next = scheduler.setTimer(waitMs <= 0 ? tellEveryMs : waitMs, () => this.#tell());
  }
}
