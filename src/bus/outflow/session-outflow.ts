import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { formatBytes } from '../../base/bytes.ts';
import { CallOutcome, type SessionEvent, SessionEventSchema } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { RpcStream } from '../../transport/rpc.ts';
import { SendQueue } from '../../transport/send-queue.ts';
import { type CallOutcomeReport, failed } from '../session/call-broker.ts';
import { sessionLimits } from './session-limits.ts';

export type EventInit = NonNullable<MessageInitShape<typeof SessionEventSchema>['event']>;

const { unreadBytes, unreadBytesMax, waitingRequestBytes } = sessionLimits;
/** What a request that waits takes beside its payload. */
const requestOverheadBytes = 2_048;

/** What the bus sends to one sidecar, bounded also while that reads nothing. */
export class SessionOutflow {
  readonly #stream: Pick<RpcStream<never, SessionEvent>, 'write' | 'queuedBytes' | 'drained'>;
  readonly #requests: SendQueue;
  #latest: (() => EventInit) | undefined;

  constructor(stream: Pick<RpcStream<never, SessionEvent>, 'write' | 'queuedBytes' | 'drained'>) {
    this.#stream = stream;
    this.#requests = new SendQueue(stream, { streamBytes: unreadBytes, waitingBytes: waitingRequestBytes });
  }

  send(event: EventInit): void {
    this.#stream.write(create(SessionEventSchema, { event }));
  }

  /** Sends an event that a later one of its kind replaces: while the sidecar does not read, only the last is kept. */
  sendLatest(make: () => EventInit): void {
    const isWaiting = this.#latest !== undefined;
    this.#latest = make;
    if (!isWaiting) void this.#whenRead();
  }

  /** Resolves when the sidecar may be sent a message. */
  async room(): Promise<void> {
    // Several wait for the same room, and the first of them may fill it.
    while (this.#stream.queuedBytes > unreadBytes) await this.#stream.drained(unreadBytes / 2);
  }

  /** Sends a request when the sidecar reads, until it is dropped; undefined when too many wait. */
  request(payloadBytes: number, send: () => void): { drop(): void } | undefined {
    const bytes = payloadBytes + requestOverheadBytes;
    return this.#requests.hasRoom(bytes) ? { drop: this.#requests.add(bytes, send) } : undefined;
  }

  /** The result of a call, or that its answer is dropped since the caller does not read. */
  answerFor(result: CallOutcomeReport): CallOutcomeReport {
    if (this.#stream.queuedBytes <= unreadBytesMax) return result;
    const waiting = formatBytes(this.#stream.queuedBytes);
    const detail = `the caller does not read: ${waiting} wait for it, and at ${formatBytes(unreadBytesMax)} answers are dropped`;
    return result.outcome === CallOutcome.ANSWERED ? failed(CallOutcome.HANDLER_ERROR, detail) : result;
  }

  /** Resolves when so little waits that the bus may read what the sidecar sends. */
  async readOn(): Promise<void> {
    if (this.#stream.queuedBytes > unreadBytesMax) await this.#stream.drained(unreadBytesMax / 2);
  }

  async #whenRead(): Promise<void> {
    if (this.#stream.queuedBytes > unreadBytes) await this.room();
    const make = this.#latest;
    this.#latest = undefined;
    if (make) this.send(make());
  }
}
