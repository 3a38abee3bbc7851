import type { Log } from '../../base/log/log.ts';
import type { Scheduler, Timer } from '../../base/time/scheduler.ts';

/** Losses within this time of each other are reported together, as one episode. */
const tellEveryMs = 1_000;

export interface LossReportOptions {
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly pattern: string;
  /** Called at once for the first loss, and then once a second while there are more; the counts add up to all. */
  readonly tell: (count: number) => void;
}

/** Reports the losses of one v1 stream. Every lost message is counted, but does not get its own log line. */
export class LossReport {
  readonly #options: LossReportOptions;
  #untold = 0;
  #inEpisode = 0;
  #timer: Timer | undefined;

  constructor(options: LossReportOptions) {
    this.#options = options;
  }

  add(): void {
    this.#untold += 1;
    if (this.#timer) return;
    const { log, pattern } = this.#options;
    log.warn('a v1 stream is read too slowly; messages that do not fit into its buffer are lost', { pattern });
    this.#tell();
  }

  /** The stream has ended. */
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
