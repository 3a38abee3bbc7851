import type { Log } from '../base/log/log.ts';
import type { Scheduler } from '../base/time/scheduler.ts';
import type { CallContext } from '../transport/rpc.ts';

/** Longer than the end of a connection takes to arrive here, when a plugin that closed it registers on the next one at once. */
const lookAfterMs = 1_000;

/**
 * Notices that two plugins use this sidecar: each has registered on a connection that is open. A plugin that starts again has
 * lost its own, and one that registers again does so on the same.
 */
export class SecondPlugin {
  readonly #scheduler: Scheduler;
  readonly #log: Log;
  /** The open connections on which a plugin registered and has not left, by the client's address. */
  readonly #registrants = new Set<string>();
  #isLooking = false;
  #timesSeen = 0;

  constructor(scheduler: Scheduler, log: Log) {
    this.#scheduler = scheduler;
    this.#log = log;
  }

  /** How often a plugin registered beside another one. */
  get timesSeen(): number {
    return this.#timesSeen;
  }

  registered({ peer, signal }: Pick<CallContext, 'peer' | 'signal'>): void {
    // Of a connection that is lost by now nobody says so again.
    if (signal.aborted) return;
    this.#registrants.add(peer.address);
    if (this.#registrants.size < 2 || this.#isLooking) return;
    this.#isLooking = true;
    this.#scheduler.setTimer(lookAfterMs, () => this.#count());
  }

  /** It has left, or its connection is over. */
  gone(client: string): void {
    this.#registrants.delete(client);
  }

  #count(): void {
    this.#isLooking = false;
    if (this.#registrants.size < 2) return;
    this.#timesSeen += 1;
    this.#log.warn('a second plugin registered while the first is connected: both speak as one instance', {
      clients: [...this.#registrants].join(', '),
    });
  }
}
