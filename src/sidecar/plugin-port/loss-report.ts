import type { Log } from '../../base/log/log.ts';
import type { Scheduler, Timer } from '../../base/time/scheduler.ts';

/** Losses that follow each other within this are told together, and are one episode. */
const tellEveryMs = 1_000;

export interface LossReportOptions {
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly pattern: string;
  /** Told at once of the first loss, and then once a second while there are more; the counts add up to all. */
  readonly tell: (count: number) => void;
}

/** Tells of what one v1 stream loses: every message is counted, and none has a line of its own in the log. */
export class LossReport {
  readonly #options: LossReportOptions;
  #untold = 0;
  #inEpisode = 0;
  #timer: Timer | undefined;

  constructor(options: LossReportOptions) {
    this.#options = options;
  }

  /** One message was dropped. */
  add(): void {
    this.#untold += 1;
    if (this.#timer) return;
    const { log, pattern } = this.#options;
    log.warn('a v1 stream is read too slowly, and loses what its buffer has no room for', { pattern });
    this.#tell();
  }

  /** The stream is over. */
  close(): void {
    if (!this.#timer) return;
    this.#timer.cancel();
    this.#count();
    this.#end();
  }

  #tell(): void {
    this.#count();
    this.#timer = this.#options.scheduler.setTimer(tellEveryMs, () => {
      if (this.#untold > 0) this.#tell();
      else this.#end();
    });
  }

  #count(): void {
    if (this.#untold > 0) this.#options.tell(this.#untold);
    this.#inEpisode += this.#untold;
    this.#untold = 0;
  }

  #end(): void {
    this.#timer = undefined;
    const { log, pattern } = this.#options;
    log.warn('a v1 stream has lost messages', { pattern, messages: this.#inEpisode });
    this.#inEpisode = 0;
  }
}
