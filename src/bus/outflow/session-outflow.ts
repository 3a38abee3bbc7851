import { formatBytes } from '../../base/bytes.ts';
import { create } from '../../contract/wire/codec/message.ts';
import { CallOutcome, type SessionEvent, SessionEventSchema } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { OneofInit } from '../../contract/wire/oneof-init.ts';
import type { RpcStream } from '../../transport/rpc.ts';
import { SendQueue } from '../../transport/send-queue.ts';
import { type CallOutcomeReport, failed } from '../session/call-broker.ts';
import { sessionLimits } from './session-limits.ts';

export type SessionEventInit = OneofInit<typeof SessionEventSchema, 'event'>;

const { unreadBytes, unreadBytesMax, waitingRequestBytes } = sessionLimits;
/** The memory of a waiting request beside its payload. */
const requestOverheadBytes = 2_048;

/** Sends to one sidecar within bounds, even if it reads nothing. */
export class SessionOutflow {
  readonly #stream: Pick<RpcStream<never, SessionEvent>, 'write' | 'queuedBytes' | 'drained'>;
  readonly #requests: SendQueue;
  #latest: (() => SessionEventInit) | undefined;

  constructor(stream: Pick<RpcStream<never, SessionEvent>, 'write' | 'queuedBytes' | 'drained'>) {
    this.#stream = stream;
    this.#requests = new SendQueue(stream, { streamBytes: unreadBytes, waitingBytes: waitingRequestBytes });
  }

  send(event: SessionEventInit): void {
    this.#stream.write(create(SessionEventSchema, { event }));
  }

  /** Sends an event that a later one of its kind replaces. While the sidecar does not read, only the last is kept. */
  sendLatest(make: () => SessionEventInit): void {
    const isWaiting = this.#latest !== undefined;
    this.#latest = make;
    if (!isWaiting) void this.#whenRead();
  }

  /** Resolves when the sidecar has capacity for a message. Undefined if it has it now. */
  room(): Promise<void> | undefined {
    return this.#stream.queuedBytes > unreadBytes ? this.#roomAgain() : undefined;
  }

  async #roomAgain(): Promise<void> {
    // Several callers wait for the same capacity, and the first of them may use it up.
    while (this.#stream.queuedBytes > unreadBytes) await this.#stream.drained(unreadBytes / 2);
  }

  /** Sends a request once the sidecar reads, unless it is dropped before. Undefined if too many wait. */
  request(payloadBytes: number, send: () => void): { drop(): void } | undefined {
    const bytes = payloadBytes + requestOverheadBytes;
    return this.#requests.hasCapacity(bytes) ? { drop: this.#requests.add(bytes, send) } : undefined;
  }

  /** The result of a call. If the caller does not read, its answer is dropped and the result says so. */
  answerFor(result: CallOutcomeReport): CallOutcomeReport {
    if (this.#stream.queuedBytes <= unreadBytesMax) return result;
    const waiting = formatBytes(this.#stream.queuedBytes);
    const detail = `the caller does not read: ${waiting} wait for it, and at ${formatBytes(unreadBytesMax)} answers are dropped`;
    return result.outcome === CallOutcome.ANSWERED ? failed(CallOutcome.HANDLER_ERROR, detail) : result;
  }

  /** Whether so little is unread that the bus may read from the sidecar. */
  get mayRead(): boolean {
    return this.#stream.queuedBytes <= unreadBytesMax;
  }

  /** Resolves when the bus may read from the sidecar. */
  async readOn(): Promise<void> {
    if (!this.mayRead) await this.#stream.drained(unreadBytesMax / 2);
  }

  async #whenRead(): Promise<void> {
    const room = this.room();
    // With capacity it is sent at once, before later events.
    if (room) await room;
    const make = this.#latest;
    this.#latest = undefined;
    if (make) this.send(make());
  }
}
