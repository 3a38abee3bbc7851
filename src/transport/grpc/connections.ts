import type { Socket } from 'node:net';
import type { ConnectionLimits, ListenOptions } from '../rpc.ts';
import { bracketed } from './peer.ts';

interface Open {
  readonly socket: Socket;
  principal: string | undefined;
}

/** A listener's connections by the client's address, and their limits. */
export class Connections {
  readonly #limits: ConnectionLimits | undefined;
  readonly #onRefused: ListenOptions['onRefused'];
  readonly #onClosed: ListenOptions['onClosed'];
  readonly #open = new Map<string, Open>();
  /** Connections without an accepted call, oldest first. */
  readonly #unproven = new Set<Open>();
  readonly #ofPrincipal = new Map<string, number>();

  constructor(options: Pick<ListenOptions, 'connectionLimits' | 'onRefused' | 'onClosed'>) {
    this.#limits = options.connectionLimits;
    this.#onRefused = options.onRefused;
    this.#onClosed = options.onClosed;
  }

  /** Counts a new connection. Over a limit it closes another unproven connection, or else this one. */
  accept(socket: Socket): void {
    const open: Open = { socket, principal: undefined };
    const address = addressOf(socket);
    this.#open.set(address, open);
    this.#unproven.add(open);
    socket.once('close', () => this.#forget(address, open));
    if (!this.#limits) return;
    const { connections, unprovenConnections } = this.#limits;
    // Closes the oldest, not the newest: a client that proves itself at once gets in, however many others never do.
    if (this.#unproven.size > unprovenConnections) {
      this.#end(`${unprovenConnections} connections have had no call accepted, which is the limit`);
    } else if (this.#open.size > connections) this.#end(`there are ${connections} connections, which is the limit`);
  }

  /** Records the caller of a call on the connection. Returns the reason for a refusal if the caller has too many connections. */
  proven(address: string, principal: string): string | undefined {
    const open = this.#open.get(address);
    if (!open || open.principal === principal) return undefined;
    const max = this.#limits?.connectionsPerPrincipal ?? Number.POSITIVE_INFINITY;
    const count = this.#ofPrincipal.get(principal) ?? 0;
    if (count >= max) return `principal "${principal}" has ${count} connections already, which is the limit`;
    this.#count(open.principal, -1);
    this.#count(principal, 1);
    open.principal = principal;
    this.#unproven.delete(open);
    return undefined;
  }

  #end(reason: string): void {
    const [oldest] = this.#unproven;
    if (!oldest) return;
    this.#unproven.delete(oldest);
    this.#onRefused?.({ address: addressOf(oldest.socket), reason });
    oldest.socket.destroy();
  }

  #forget(address: string, open: Open): void {
    this.#unproven.delete(open);
    this.#count(open.principal, -1);
    if (this.#open.get(address) !== open) return;
    this.#open.delete(address);
    this.#onClosed?.(bracketed(address));
  }

  #count(principal: string | undefined, by: 1 | -1): void {
    if (principal === undefined) return;
    const count = (this.#ofPrincipal.get(principal) ?? 0) + by;
    if (count > 0) this.#ofPrincipal.set(principal, count);
    else this.#ofPrincipal.delete(principal);
  }
}

function addressOf(socket: Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`;
}
