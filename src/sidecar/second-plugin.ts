import type { Log } from '../base/log/log.ts';
import type { Scheduler } from '../base/time/scheduler.ts';
import type { CallContext } from '../transport/rpc.ts';

/** When a plugin closes a connection and registers on the next at once, the end of the first arrives here within this time. */
const lookAfterMs = 1_000;

/**
 * Notices that two plugins use this sidecar: each has registered on an open connection. A plugin that restarts has lost its old
 * connection, and one that registers again uses the same.
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

  /** How often a plugin registered while another one was there. */
  get timesSeen(): number {
    return this.#timesSeen;
  }

  registered({ peer, signal }: Pick<CallContext, 'peer' | 'signal'>): void {
    // If the connection is already lost, no later event says so.
    if (signal.aborted) return;
    this.#registrants.add(peer.address);
    if (this.#registrants.size < 2 || this.#isLooking) return;
    this.#isLooking = true;
    this.#scheduler.setTimer(lookAfterMs, () => this.#count());
  }

  /** The plugin has left, or its connection has ended. */
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
