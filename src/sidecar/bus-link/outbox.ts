import { Gate } from '../../base/async/gate.ts';
import { SequenceRing } from '../../base/sequence-ring.ts';
import type { Scheduler, Timer } from '../../base/time/scheduler.ts';
import type { Encoded } from '../../contract/wire/codec/encoded.ts';
import { encode } from '../../contract/wire/codec/message.ts';
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
  readonly envelope: Encoded<Envelope>;
  /** When it has waited for too long, on the monotonic clock. */
  readonly dueMs: number;
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
  /** By sequence. */
  readonly #waiting = new SequenceRing<Waiting>();
  readonly #emptied = new Gate(true);
  #bytes = 0;
  /** For the oldest that waits, or one that was the oldest. Later ones have the same time, so each has its turn. */
  #expiry: Timer | undefined;

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
    const sequence = BigInt(this.#waiting.next);
    const envelope = encode(EnvelopeSchema, makeEnvelope(sequence));
    const bytes = envelope.bytes.length;
    if (this.#waiting.size >= limits.messages) throw full(`${limits.messages} messages`);
    if (this.#bytes + bytes > limits.bytes) throw full(`${limits.bytes} bytes`);
    budget.reserve(bytes);
    return new Promise((settle) => {
      const dueMs = scheduler.nowMs() + limits.ageMs;
      const waiting: Waiting = { sequence, envelope, dueMs, settle, sent: false, sentBefore: false };
      this.#waiting.push(waiting);
      this.#emptied.set(false);
      this.#bytes += bytes;
      if (!this.#expiry) this.#expireIn(limits.ageMs);
      this.#send(waiting);
    });
  }

  onSessionOpen(): void {
    for (const waiting of this.#waiting) {
      waiting.sentBefore ||= waiting.sent;
      this.#send(waiting);
    }
  }

  /** A later epoch would store them twice, since the bus recognises a repeat by its epoch. */
  onStandBy(): void {
    for (const { sequence, sent } of this.#waiting) {
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

  /** The time of what still waits is not watched any more, so that its timer keeps no program running. */
  close(): void {
    this.#expiry?.cancel();
  }

  #send(waiting: Waiting): void {
    const { sequence, envelope } = waiting;
    const settledBelow = BigInt(this.#waiting.first);
    const isSent = this.#options.send({ case: 'publish', value: { sequence, settledBelow, envelope } });
    waiting.sent ||= isSent;
  }

  #answered(result: PublishResult): void {
    const { sequence, accepted, messageId, duplicate, refusalReason: reason } = result;
    // The session before may have stored a publish that is refused now.
    const isInDoubt = this.#waiting.get(Number(sequence))?.sentBefore ?? false;
    if (accepted) this.#settle(sequence, { kind: 'accepted', messageId, duplicate });
    else if (!isInDoubt) this.#settle(sequence, { kind: 'refused', reason });
    else
      this.#settle(sequence, { kind: 'unknown', reason: `outcome unknown: sent again, and then refused: ${reason}` });
  }

  #expireIn(delayMs: number): void {
    this.#expiry = this.#options.scheduler.setTimer(delayMs, () => this.#expire());
  }

  #expire(): void {
    this.#expiry = undefined;
    const { limits, scheduler } = this.#options;
    const nowMs = scheduler.nowMs();
    for (const { sequence, dueMs, sent } of this.#waiting) {
      if (dueMs > nowMs) {
        this.#expireIn(dueMs - nowMs);
        return;
      }
      this.#settle(
        sequence,
        sent
          ? { kind: 'unknown', reason: `outcome unknown: the bus did not answer within ${limits.ageMs} ms` }
          : { kind: 'refused', reason: `the bus was away for ${limits.ageMs} ms and the message was not sent` },
      );
    }
  }

  #settle(sequence: bigint, outcome: PublishOutcome): void {
    const waiting = this.#waiting.delete(Number(sequence));
    if (!waiting) return;
    const bytes = waiting.envelope.bytes.length;
    this.#bytes -= bytes;
    this.#options.budget.release(bytes);
    waiting.settle(outcome);
    this.#emptied.set(this.#waiting.size === 0);
  }
}

function full(limit: string): RpcError {
  return new RpcError('RESOURCE_EXHAUSTED', `the outbox is full: ${limit} wait for the bus`);
}
