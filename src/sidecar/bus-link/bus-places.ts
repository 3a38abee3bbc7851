import { type Random, randomBelow } from '../../base/random.ts';
import type { Connection } from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';

/**
 * The addresses of one bus. A random one is tried first, so that sidecars spread over all of them, and after a loss the next one.
 */
export class BusPlaces {
  readonly #addresses: readonly string[];
  #at: number;

  /** `addresses` has at least one. */
  constructor(addresses: readonly string[], random: Random) {
    this.#addresses = addresses;
    this.#at = randomBelow(random, addresses.length);
  }

  /** `host:port` of the place that is used, or tried next. */
  get address(): string {
    return this.#addresses[this.#at] ?? '';
  }

  get isOnlyOne(): boolean {
    return this.#addresses.length === 1;
  }

  /** The next place is tried first from here on. */
  leave(): void {
    this.#at = (this.#at + 1) % this.#addresses.length;
  }

  /**
   * Connects to the first place that answers, each within its share of the time that is left.
   * @throws RpcError of the last failure; of the first that is not the place's, such as a credential that cannot be used.
   */
  async connect(timeoutMs: number, nowMs: () => number, open: Open): Promise<Connection> {
    const deadlineMs = nowMs() + timeoutMs;
    for (let left = this.#addresses.length; ; left -= 1) {
      try {
        return await open(this.address, Math.max(1, Math.ceil((deadlineMs - nowMs()) / left)));
      } catch (error) {
        this.leave();
        if (left === 1 || RpcError.from(error).code !== 'UNAVAILABLE') throw error;
      }
    }
  }
}

type Open = (address: string, timeoutMs: number) => Promise<Connection>;
