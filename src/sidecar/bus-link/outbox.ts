import { toBinary } from '@bufbuild/protobuf';
import { Gate } from '../../base/async/gate.ts';
import type { Scheduler, Timer } from '../../base/time/scheduler.ts';
import type { PublishResult, SessionEvent } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { type Envelope, EnvelopeSchema } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { RpcError } from '../../transport/status.ts';
import type { MemoryBudget } from '../memory/memory-budget.ts';
import type { RequestInit } from './bus-session.ts';
import { type SessionListener, standingBy } from './session-listener.ts';

/** How a publish ended. `unknown`: it was sent and no answer came in time, so it may or may not be stored. */
export type PublishOutcome =
  | { readonly kind: 'accepted'; readonly messageId: string; readonly duplicate: boolean }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };

export interface OutboxLimits {
  readonly messages: number;
  readonly bytes: number;
  readonly ageMs: number;
}

export interface OutboxOptions {
  readonly scheduler: Scheduler;
  readonly limits: OutboxLimits;
  /** Bounds what the whole sidecar buffers for the bus. */
  readonly budget: MemoryBudget;
  /** Sends on the session; false without a session. */
  readonly send: (message: RequestInit) => boolean;
}

interface Waiting {
  readonly sequence: bigint;
  readonly envelope: Envelope;
  readonly bytes: number;
  readonly timer: Timer;
  readonly settle: (outcome: PublishOutcome) => void;
  sent: boolean;
  /** It was sent in an earlier session too, whose answer was lost. */
  sentBefore: boolean;
}

/**
 * The publishes that wait for the bus's answer, in order. It is bounded, in memory, and never resends an answered publish. The
 * caller learns of every message whether it is stored, is not, or may be.
 */
export class Outbox implements SessionListener {
  readonly #options: OutboxOptions;
  readonly #waiting = new Map<bigint, Waiting>();
  readonly #emptied = new Gate(true);
  #bytes = 0;
  #nextSequence = 1n;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Adds one message, to be sent under its sequence number.
   * @throws RpcError RESOURCE_EXHAUSTED at once when it does not fit.
   */
  publish(makeEnvelope: (sequence: bigint) => Envelope): Promise<PublishOutcome> {
    const { limits, scheduler, budget } = this.#options;
    const envelope = makeEnvelope(this.#nextSequence);
    const bytes = toBinary(EnvelopeSchema, envelope).length;
    if (this.#waiting.size >= limits.messages) throw full(`${limits.messages} messages`);
    if (this.#bytes + bytes > limits.bytes) throw full(`${limits.bytes} bytes`);
    budget.reserve(bytes);
    const sequence = this.#nextSequence;
    this.#nextSequence += 1n;
    return new Promise((settle) => {
      const timer = scheduler.setTimer(limits.ageMs, () => this.#expire(sequence));
      const waiting: Waiting = { sequence, envelope, bytes, timer, settle, sent: false, sentBefore: false };
      this.#waiting.set(sequence, waiting);
      this.#emptied.set(false);
      this.#bytes += bytes;
      this.#send(waiting);
    });
  }

  onSessionOpen(): void {
    for (const waiting of this.#waiting.values()) {
      waiting.sentBefore ||= waiting.sent;
      this.#send(waiting);
    }
  }

  /** A later epoch would store them twice, since the bus recognises a repeat by its epoch. */
  onStandBy(): void {
    for (const { sequence, sent } of [...this.#waiting.values()]) {
      this.#settle(
        sequence,
        sent
          ? { kind: 'unknown', reason: `outcome unknown: the bus did not answer before ${standingBy}` }
          : { kind: 'refused', reason: `the message was not sent before ${standingBy}` },
      );
    }
  }

  onEvent(event: SessionEvent['event']): void {
    if (event.case === 'publishResult') this.#answered(event.value);
  }

  empty(): Promise<void> {
    return this.#emptied.opened();
  }

  #send(waiting: Waiting): void {
    const [settledBelow = waiting.sequence] = this.#waiting.keys();
    const { sequence, envelope } = waiting;
    const isSent = this.#options.send({ case: 'publish', value: { sequence, settledBelow, envelope } });
    waiting.sent ||= isSent;
  }

  #answered(result: PublishResult): void {
    const { sequence, accepted, messageId, duplicate, refusalReason: reason } = result;
    // The session before may have stored a publish that is refused now.
    const isInDoubt = this.#waiting.get(sequence)?.sentBefore ?? false;
    if (accepted) this.#settle(sequence, { kind: 'accepted', messageId, duplicate });
    else if (!isInDoubt) this.#settle(sequence, { kind: 'refused', reason });
    else
      this.#settle(sequence, { kind: 'unknown', reason: `outcome unknown: sent again, and then refused: ${reason}` });
  }

  #expire(sequence: bigint): void {
    const { ageMs } = this.#options.limits;
    this.#settle(
      sequence,
      this.#waiting.get(sequence)?.sent
        ? { kind: 'unknown', reason: `outcome unknown: the bus did not answer within ${ageMs} ms` }
        : { kind: 'refused', reason: `the bus was away for ${ageMs} ms and the message was not sent` },
    );
  }

  #settle(sequence: bigint, outcome: PublishOutcome): void {
    const waiting = this.#waiting.get(sequence);
    if (!waiting) return;
    this.#waiting.delete(sequence);
    this.#bytes -= waiting.bytes;
    this.#options.budget.release(waiting.bytes);
    waiting.timer.cancel();
    waiting.settle(outcome);
    this.#emptied.set(this.#waiting.size === 0);
  }
}

function full(limit: string): RpcError {
  return new RpcError('RESOURCE_EXHAUSTED', `the outbox is full: ${limit} wait for the bus`);
}
