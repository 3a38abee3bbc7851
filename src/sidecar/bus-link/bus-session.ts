import { forEachReady } from '../../base/async/ready-iterator.ts';
import { every, type Scheduler, type Timer } from '../../base/time/scheduler.ts';
import { create } from '../../contract/wire/codec/message.ts';
import {
  type SessionEvent,
  type SessionRequest,
  SessionRequestSchema,
} from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { busMethods } from '../../contract/wire/methods.ts';
import type { OneofInit } from '../../contract/wire/oneof-init.ts';
import type { ClientStream, Connection } from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';

export type RequestInit = OneofInit<typeof SessionRequestSchema, 'message'>;

export interface BusSessionOptions {
  readonly connection: Connection;
  readonly scheduler: Scheduler;
  readonly owner: { readonly instanceId: string; readonly epoch: bigint };
  readonly renewEveryMs: number;
  readonly leaseMs: number;
  readonly onEvent: (event: SessionEvent['event']) => void;
}

/** The session ends this long before its lease expires on our own clock: less for a short lease. */
const leaseMarginMs = (leaseMs: number): number => Math.min(1_000, leaseMs / 4);

/**
 * One session with the bus. It ends itself when its lease may have expired. The lease is measured on the monotonic clock, from
 * the moment when the last confirmed renewal was sent.
 */
export class BusSession {
  readonly #options: BusSessionOptions;
  readonly #stream: ClientStream<SessionEvent, SessionRequest>;
  readonly #heartbeats: Timer;
  readonly #sentAtMs = new Map<bigint, number>();
  #heartbeat = 0n;
  #leaseEnd: Timer;
  #leaseEndsMs = 0;

  constructor(options: BusSessionOptions) {
    this.#options = options;
    this.#leaseEnd = this.#leaseFrom(options.scheduler.nowMs(), options.leaseMs);
    this.#stream = options.connection.stream(busMethods.session);
    this.send({ case: 'open', value: options.owner });
    // However short the lease is, one lost heartbeat must not end it.
    const renewEveryMs = Math.min(options.renewEveryMs, options.leaseMs / 3);
    this.#heartbeats = every(options.scheduler, renewEveryMs, () => this.#renew());
  }

  /** Monotonic; the session does not rely on its lease after this. */
  get leaseEndsMs(): number {
    return this.#leaseEndsMs;
  }

  /** Aborts when the session has ended, for any reason. */
  get over(): AbortSignal {
    return this.#stream.over;
  }

  send(message: RequestInit): void {
    this.#stream.write(create(SessionRequestSchema, { message }));
  }

  /** Passes events on until the session ends. @throws RpcError when it ended with a status other than OK. */
  async run(): Promise<void> {
    try {
      await forEachReady(this.#stream[Symbol.asyncIterator](), ({ event }) => {
        if (event.case === 'leaseRenewed') this.#renewed(event.value.sequence, event.value.leaseMs);
        else this.#options.onEvent(event);
        return undefined;
      });
    } finally {
      this.#heartbeats.cancel();
      this.#leaseEnd.cancel();
    }
  }

  close(reason?: RpcError): void {
    this.#stream.cancel(reason);
  }

  #renew(): void {
    this.#heartbeat += 1n;
    this.#sentAtMs.set(this.#heartbeat, this.#options.scheduler.nowMs());
    this.send({ case: 'heartbeat', value: { sequence: this.#heartbeat } });
  }

  #renewed(sequence: bigint, leaseMs: number): void {
    const sentAtMs = this.#sentAtMs.get(sequence);
    for (const earlier of this.#sentAtMs.keys()) if (earlier <= sequence) this.#sentAtMs.delete(earlier);
    if (sentAtMs === undefined) return;
    this.#leaseEnd.cancel();
    this.#leaseEnd = this.#leaseFrom(sentAtMs, leaseMs);
  }

  #leaseFrom(sentAtMs: number, leaseMs: number): Timer {
    const { scheduler } = this.#options;
    this.#leaseEndsMs = sentAtMs + leaseMs - leaseMarginMs(leaseMs);
    return scheduler.setTimer(this.#leaseEndsMs - scheduler.nowMs(), () =>
      this.close(new RpcError('DEADLINE_EXCEEDED', `the bus confirmed no heartbeat within the lease of ${leaseMs} ms`)),
    );
  }
}
