import { type Scheduler, sleep, type Timer } from '../../base/time/scheduler.ts';
import type { Connection, ConnectOptions, Listener, ListenOptions, Network } from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';
import { MemoryConnection } from './connection.ts';
import { type LatencyRange, Link } from './link.ts';
import { MemoryListener } from './listener.ts';

export interface MemoryNetworkOptions {
  /** The latency of every message. Absent: none. */
  readonly latency?: LatencyRange;
  /** Both ends give up a connection that was silent for this long. Absent: 20 s, as on real sockets. */
  readonly silenceLimitMs?: number;
}

interface OpenLink {
  readonly address: string;
  readonly link: Link;
  silenceTimer?: Timer;
}

const firstListenerPort = 40_000;
const firstClientPort = 50_000;

/**
 * An in-process network on any scheduler: the same seed gives the same order of events. It really encodes and decodes messages. It keeps
 * all bytes until their reader takes them, so `queuedBytes` shows what was not taken. Certificates are not simulated; `as` sets a
 * principal.
 */
export class InProcessNetwork implements Network {
  readonly #scheduler: Scheduler;
  readonly #latency: LatencyRange;
  readonly #silenceLimitMs: number;
  readonly #listeners = new Map<string, MemoryListener>();
  readonly #partitioned = new Set<string>();
  readonly #links = new Set<OpenLink>();
  #nextListenerPort = firstListenerPort;
  #nextClientPort = firstClientPort;

  constructor(scheduler: Scheduler, options: MemoryNetworkOptions = {}) {
    this.#scheduler = scheduler;
    this.#latency = options.latency ?? { minMs: 0, maxMs: 0 };
    this.#silenceLimitMs = options.silenceLimitMs ?? 20_000;
  }

  /** The same network for a caller with this principal. */
  as(principal: string): Network {
    return {
      connect: (address, options) => this.#connect(address, options, principal),
      listen: (address, options) => this.listen(address, options),
    };
  }

  connect(address: string, options: ConnectOptions): Promise<Connection> {
    return this.#connect(address, options, undefined);
  }

  async listen(address: string, options: ListenOptions): Promise<Listener> {
    const bound = address.endsWith(':0') ? this.#freeAddress(address) : address;
    if (this.#listeners.has(bound)) throw new RpcError('ALREADY_EXISTS', `${bound} is taken`);
    const listener: MemoryListener = new MemoryListener(bound, options, () => {
      if (this.#listeners.get(bound) === listener) this.#listeners.delete(bound);
    });
    this.#listeners.set(bound, listener);
    return listener;
  }

  /** Breaks every connection to the address. Frames in flight are lost. Both ends learn it, each one latency later. */
  cut(address: string): void {
    for (const open of [...this.#links]) if (open.address === address) open.link.cut();
  }

  cutAll(): void {
    for (const open of [...this.#links]) open.link.cut();
  }

  /**
   * While on, the address cannot be reached: connecting times out, and open connections are silent. Those silent for longer than
   * `silenceLimitMs` break. The others continue without loss once the partition is off.
   */
  partition(address: string, on: boolean): void {
    if (on) this.#partitioned.add(address);
    else this.#partitioned.delete(address);
    for (const open of this.#links) {
      if (open.address !== address) continue;
      open.silenceTimer?.cancel();
      if (on) {
        open.link.hold();
        open.silenceTimer = this.#scheduler.setTimer(this.#silenceLimitMs, () => open.link.cut());
      } else {
        open.link.release();
      }
    }
  }

  async #connect(address: string, options: ConnectOptions, principal: string | undefined): Promise<Connection> {
    const link = new Link(this.#scheduler, this.#latency);
    const roundTripMs = link.drawLatencyMs() + link.drawLatencyMs();
    const answers = !this.#partitioned.has(address) && roundTripMs <= options.timeoutMs;
    await sleep(this.#scheduler, answers ? roundTripMs : options.timeoutMs);
    if (!answers || this.#partitioned.has(address)) {
      throw new RpcError('UNAVAILABLE', `${address} did not answer within ${options.timeoutMs} ms`);
    }
    const listener = this.#listeners.get(address);
    if (!listener) throw new RpcError('UNAVAILABLE', `${address} cannot be reached: nothing listens there`);
    const open: OpenLink = { address, link };
    this.#links.add(open);
    link.onCut(() => {
      open.silenceTimer?.cancel();
      this.#links.delete(open);
    });
    const peer = { address: `127.0.0.1:${this.#nextClientPort++}`, principal };
    return new MemoryConnection(link, listener, peer, options);
  }

  #freeAddress(address: string): string {
    const host = address.slice(0, -':0'.length);
    while (this.#listeners.has(`${host}:${this.#nextListenerPort}`)) this.#nextListenerPort += 1;
    return `${host}:${this.#nextListenerPort++}`;
  }
}
