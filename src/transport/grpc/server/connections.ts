import type { Socket } from 'node:net';
import type { ConnectionLimits, ListenOptions } from '../../rpc.ts';
import { addressOf } from '../peer-address.ts';

/** A connection's place among those of its listener. */
export interface Admission {
  readonly socket: Socket;
  /** The client's address, IPv6 with brackets. */
  readonly address: string;
  /** Of its last accepted call. Undefined before the first. */
  principal: string | undefined;
}

/** A listener's connections, and their limits. */
export class Connections {
  readonly #limits: ConnectionLimits | undefined;
  readonly #onRefused: ListenOptions['onRefused'];
  readonly #onClosed: ListenOptions['onClosed'];
  readonly #open = new Set<Admission>();
  /** Connections without an accepted call, oldest first. */
  readonly #unproven = new Set<Admission>();
  readonly #ofPrincipal = new Map<string, number>();

  constructor(options: Pick<ListenOptions, 'connectionLimits' | 'onRefused' | 'onClosed'>) {
    this.#limits = options.connectionLimits;
    this.#onRefused = options.onRefused;
    this.#onClosed = options.onClosed;
  }

  /** Counts a new connection. Over a limit it closes another unproven connection, or else this one. */
  accept(socket: Socket): Admission {
    const admission: Admission = { socket, address: addressOf(socket), principal: undefined };
    this.#open.add(admission);
    this.#unproven.add(admission);
    socket.once('close', () => this.#forget(admission));
    if (this.#limits) this.#enforce(this.#limits);
    return admission;
  }

  /** Records the caller of a call on the connection. Returns the reason for a refusal if the caller has too many connections. */
  proven(admission: Admission, principal: string): string | undefined {
    if (admission.principal === principal || !this.#open.has(admission)) return undefined;
    const max = this.#limits?.connectionsPerPrincipal ?? Number.POSITIVE_INFINITY;
    const count = this.#ofPrincipal.get(principal) ?? 0;
    if (count >= max) return `principal "${principal}" has ${count} connections already, which is the limit`;
    this.#count(admission.principal, -1);
    this.#count(principal, 1);
    admission.principal = principal;
    this.#unproven.delete(admission);
    return undefined;
  }

  #enforce({ connections, unprovenConnections }: ConnectionLimits): void {
    // Closes the oldest, not the newest: a client that proves itself at once gets in, however many others never do.
    if (this.#unproven.size > unprovenConnections) {
      this.#end(`${unprovenConnections} connections have had no call accepted, which is the limit`);
    } else if (this.#open.size > connections) this.#end(`there are ${connections} connections, which is the limit`);
  }

  #end(reason: string): void {
    const [oldest] = this.#unproven;
    if (!oldest) return;
    this.#unproven.delete(oldest);
    this.#onRefused?.({ address: oldest.address, reason });
    oldest.socket.destroy();
  }

  #forget(admission: Admission): void {
    this.#unproven.delete(admission);
    this.#count(admission.principal, -1);
    if (this.#open.delete(admission)) this.#onClosed?.(admission.address);
  }

  #count(principal: string | undefined, by: 1 | -1): void {
    if (principal === undefined) return;
    const count = (this.#ofPrincipal.get(principal) ?? 0) + by;
    if (count > 0) this.#ofPrincipal.set(principal, count);
    else this.#ofPrincipal.delete(principal);
  }
}
