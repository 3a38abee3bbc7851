import { randomBelow } from '../../base/random.ts';
import type { Scheduler } from '../../base/time/scheduler.ts';
import type { Connection } from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';

/**
 * The addresses of one bus. A random one is tried first, so that sidecars spread over all of them, and after a loss the next one.
 */
export class BusPlaces {
  readonly #addresses: readonly string[];
  readonly #scheduler: Scheduler;
  #at: number;

  /** `addresses` has at least one. */
  constructor(addresses: readonly string[], scheduler: Scheduler) {
    this.#addresses = addresses;
    this.#scheduler = scheduler;
    this.#at = randomBelow(scheduler.random, addresses.length);
  }

  /** `host:port` of the place that is used, or tried next. */
  get address(): string {
    return this.#addresses[this.#at] ?? '';
  }

  get isOnlyOne(): boolean {
    return this.#addresses.length === 1;
  }

  /** The next place is tried first the next time. */
  leave(): void {
    this.#at = (this.#at + 1) % this.#addresses.length;
  }

  /**
   * Connects to the first place that answers, each within its share of the time that is left.
   * @throws RpcError of the last failure; of the first that is not the place's, such as a credential that cannot be used.
   */
  async connect(timeoutMs: number, open: Open): Promise<Connection> {
    const deadlineMs = this.#scheduler.nowMs() + timeoutMs;
    for (let left = this.#addresses.length; ; left -= 1) {
      try {
        const leftMs = deadlineMs - this.#scheduler.nowMs();
        return await open(this.address, Math.max(1, Math.ceil(leftMs / left)));
      } catch (error) {
        this.leave();
        if (left === 1 || RpcError.from(error).code !== 'UNAVAILABLE') throw error;
      }
    }
  }
}

type Open = (address: string, timeoutMs: number) => Promise<Connection>;
