import type { Socket } from 'node:net';
import type { Scheduler, Timer } from '../base/time/scheduler.ts';
import { messageOf } from '../base/user-facing-error.ts';
import { Dial } from './grpc/client/dial.ts';
import { type Acceptor, openAcceptor } from './grpc/server/acceptor.ts';

export interface RelayOptions {
  /** `host:port`; port 0 binds a free one. */
  readonly address: string;
  readonly scheduler: Scheduler;
  /** More connections at a time are closed at once. */
  readonly connectionsMax: number;
  /** How long a connection waits for a target that accepts it. */
  readonly holdMs: number;
  /** The target did not accept a connection. */
  readonly onUnreachable: (target: string, reason: string) => void;
}

/** A held connection tries its target again after this. */
const retryMs = 100;
/** Held connections go to a new target one after the other, not all at one moment, and within this time. */
const releaseEveryMs = 2;
const releaseMsMax = 500;

/**
 * Passes connections on, byte for byte, to a target that may change. While there is no target, or it accepts none, they are held for a
 * while, and nothing is read from them. What is passed on already stays with its target. TLS is between the two ends.
 */
export class Relay {
  readonly #options: RelayOptions;
  readonly #open = new Set<Socket>();
  /** What waits for a target, and the end of the wait. */
  readonly #held = new Map<Socket, Timer>();
  #acceptor: Acceptor | undefined;
  #target: string | undefined;

  private constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** @throws RpcError if the address cannot be bound. */
  static async listen(options: RelayOptions): Promise<Relay> {
    const relay = new Relay(options);
    relay.#acceptor = await openAcceptor(options.address, {
      context: undefined,
      onSocket() {},
      onConnection: (socket) => relay.#accept(socket),
      onHandshakeFailed() {},
    });
    return relay;
  }

  /** `host:port` that was really bound. */
  get address(): string {
    return this.#acceptor?.address ?? this.#options.address;
  }

  /** Sets `host:port` of where connections go; undefined: they are held. */
  goTo(target: string | undefined): void {
    if (target === this.#target) return;
    this.#target = target;
    const held = [...this.#held.keys()];
    const everyMs = Math.min(releaseEveryMs, releaseMsMax / held.length);
    for (const [index, socket] of held.entries()) {
      const release = (): void => {
        if (this.#held.has(socket) && this.#target === target) void this.#passOn(socket);
      };
      this.#options.scheduler.setTimer(index * everyMs, release);
    }
  }

  /** Accepts no more, and frees the address. What was accepted goes on. */
  stopListening(): void {
    this.#acceptor?.shut();
  }

  close(): void {
    this.stopListening();
    this.#acceptor?.dropAll();
  }

  #accept(socket: Socket): void {
    const { scheduler, holdMs, connectionsMax } = this.#options;
    if (this.#open.size >= connectionsMax) {
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    this.#open.add(socket);
    this.#held.set(
      socket,
      scheduler.setTimer(holdMs, () => socket.destroy()),
    );
    socket.once('close', () => {
      this.#open.delete(socket);
      this.#release(socket);
    });
    void this.#passOn(socket);
  }

  /** @returns whether it was held. */
  #release(socket: Socket): boolean {
    this.#held.get(socket)?.cancel();
    return this.#held.delete(socket);
  }

  async #passOn(socket: Socket): Promise<void> {
    const target = this.#target;
    if (target === undefined) return;
    const dial = new Dial(target, {});
    const abandon = (): void => dial.abandon();
    socket.once('close', abandon);
    try {
      const other = await dial.socket(target);
      // Another attempt was faster, or the client is gone.
      if (!this.#release(socket)) return abandon();
      join(socket, other);
    } catch (error) {
      socket.off('close', abandon);
      this.#options.onUnreachable(target, messageOf(error));
      const again = (): void => {
        if (this.#held.has(socket) && this.#target === target) void this.#passOn(socket);
      };
      this.#options.scheduler.setTimer(retryMs, again);
    }
  }
}

function join(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.once('close', () => to.destroy());
  }
}
