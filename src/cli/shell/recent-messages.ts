import type { Scheduler, Timer } from '../../base/time/scheduler.ts';
import type { Envelope } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';

/** The past counts as read when no message has come for this long. */
const quietMs = 500;
/** The most bytes of payloads that are kept while the past is read. */
const keptBytesMax = 64 * 1024 * 1024;

/**
 * The last messages of the past. The wire has no position of "the last N", so all that the bus retains is read, and the last of it is kept.
 * The past ends when nothing has come for a while, or with the first message that was published after the start.
 */
export class RecentMessages {
  readonly #options: { count: number; scheduler: Scheduler; show: (messages: readonly Envelope[]) => void };
  readonly #startedNs: bigint;
  #kept: Envelope[] = [];
  #bytes = 0;
  #quiet: Timer | undefined;
  #isOver = false;

  constructor(options: { count: number; scheduler: Scheduler; show: (messages: readonly Envelope[]) => void }) {
    this.#options = options;
    this.#startedNs = options.scheduler.wallTimeNs();
  }

  /** The subscription is open: if nothing comes, there is no past. */
  opened(): void {
    this.#waitForQuiet();
  }

  /** Shows it, or keeps it for as long as the past is read. */
  take(envelope: Envelope): void {
    if ((envelope.meta?.publishedAtNs ?? 0n) >= this.#startedNs) this.end();
    if (this.#isOver) this.#options.show([envelope]);
    else this.#keep(envelope);
  }

  #keep(envelope: Envelope): void {
    this.#kept.push(envelope);
    this.#bytes += envelope.payload.length;
    while (this.#kept.length > this.#options.count || this.#bytes > keptBytesMax) {
      this.#bytes -= this.#kept.shift()?.payload.length ?? 0;
    }
    this.#waitForQuiet();
  }

  /** Shows what is kept. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#quiet?.cancel();
    this.#options.show(this.#kept);
    this.#kept = [];
  }

  #waitForQuiet(): void {
    if (this.#isOver) return;
    this.#quiet?.cancel();
    this.#quiet = this.#options.scheduler.setTimer(quietMs, () => this.end());
  }
}
