import type { Log } from '../../base/log/log.ts';
import { every, type Scheduler, type Timer } from '../../base/time/scheduler.ts';
import { messageOf } from '../../base/user-facing-error.ts';
import { consoleLimits } from './console-limits.ts';
import { type ConsoleSource, hourOf, readStored, type StoredNow, sampleOf, stateOf } from './console-state.ts';
import { sampleEveryMs } from './hour-ring.ts';
import { problemGuide } from './problem-guide.ts';

/** One open page. */
export interface ConsolePage {
  /** Whether its reader may still see the bus. */
  mayRead(): boolean;
  /** Writes one server-sent event. A page that reads too slowly misses it. */
  send(event: string, data: string): void;
  end(): void;
}

const stateEveryMs = 1_000;
const stateTurnsPerSample = sampleEveryMs / stateEveryMs;

/** Takes the samples of the last hour, and tells the open pages what has changed. */
export class ConsolePages {
  readonly #source: ConsoleSource;
  readonly #log: Log;
  readonly #open = new Set<ConsolePage>();
  readonly #timer: Timer;
  #stored: StoredNow = { subscriptions: [], hasMore: false, lags: new Map(), lagOf: new Map() };
  #turn = 0;
  #isLooking = false;

  constructor(source: ConsoleSource, { scheduler, log }: { readonly scheduler: Scheduler; readonly log: Log }) {
    this.#source = source;
    this.#log = log;
    this.#timer = every(scheduler, stateEveryMs, () => void this.#look());
  }

  get isFull(): boolean {
    return this.#open.size >= consoleLimits.pages;
  }

  /** Tells the page everything, then what changes. Call the returned function when it is closed. */
  open(page: ConsolePage): () => void {
    this.#open.add(page);
    page.send('guide', JSON.stringify(problemGuide));
    page.send('hour', JSON.stringify(hourOf(this.#source)));
    page.send('state', JSON.stringify(stateOf(this.#source, this.#stored)));
    return () => this.#open.delete(page);
  }

  close(): void {
    this.#timer.cancel();
    for (const page of this.#open) page.end();
    this.#open.clear();
  }

  /** While nobody looks, the store is asked only for the samples. */
  async #look(): Promise<void> {
    this.#turn += 1;
    const isSample = this.#turn % stateTurnsPerSample === 0;
    for (const page of this.#open) if (!page.mayRead()) page.end();
    if (this.#isLooking || (!isSample && this.#open.size === 0)) return;
    this.#isLooking = true;
    try {
      this.#stored = await readStored(this.#source);
    } catch (error) {
      this.#log.debug('the console could not ask the store', { reason: messageOf(error) });
    }
    this.#isLooking = false;
    if (isSample) this.#sample();
    this.#tell('state', () => stateOf(this.#source, this.#stored));
  }

  #sample(): void {
    const { recorder } = this.#source;
    recorder.topics.sample(new Map());
    recorder.subscriptions.sample(this.#stored.lags);
    this.#tell('sample', () => sampleOf(this.#source));
  }

  #tell(event: string, about: () => unknown): void {
    if (this.#open.size === 0) return;
    const data = JSON.stringify(about());
    for (const page of this.#open) page.send(event, data);
  }
}
