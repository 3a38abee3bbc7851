import { formatBytes } from '../../base/bytes.ts';
import type { Scheduler, Timer } from '../../base/time/scheduler.ts';
import type { Encoded } from '../../contract/wire/codec/encoded.ts';
import { type Answer, CallOutcome, type CallResult } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { Envelope, MessageMeta } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { matchTopic } from '../../contract/wire/topics/topic.ts';
import { acceptableAnswer } from '../envelope/acceptable-answer.ts';
import { sessionLimits } from '../outflow/session-limits.ts';

/** A server of requests on the topics of one pattern. */
export interface Responder {
  readonly pattern: string;
  /** Whether it owns its instance id and takes new requests. */
  isReady(): boolean;
  /** Sends it a request now or once it reads, unless dropped before. Undefined if too many wait for it already. */
  take(request: RoutedCall & { requestId: bigint }): { drop(): void } | undefined;
}

export interface RoutedCall {
  readonly meta: MessageMeta;
  readonly envelope: Encoded<Envelope>;
  readonly timeoutMs: number;
}

export type CallOutcomeReport = Pick<CallResult, 'outcome' | 'payloadType' | 'payload' | 'detail'>;

interface PendingCall {
  readonly responder: Responder;
  readonly timer: Timer;
  readonly drop: () => void;
  readonly report: (result: CallOutcomeReport) => void;
}

/** Routes calls to a responder, and answers to the caller: at most once, never queued, within a timeout. */
export class CallBroker {
  readonly #scheduler: Scheduler;
  readonly #responders: Responder[] = [];
  readonly #pending = new Map<bigint, PendingCall>();
  #lastRequestId = 0n;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  add(responder: Responder): void {
    this.#responders.push(responder);
  }

  /** Sends it no more requests. Those in flight end as a handler error, since no answer will come. */
  remove(responder: Responder): void {
    const index = this.#responders.indexOf(responder);
    if (index >= 0) this.#responders.splice(index, 1);
    for (const [requestId, call] of this.#pending) {
      if (call.responder !== responder) continue;
      this.#finish(requestId, failed(CallOutcome.HANDLER_ERROR, 'the responder went away before it answered'));
    }
  }

  call(call: RoutedCall, report: (result: CallOutcomeReport) => void): void {
    const { topic } = call.meta;
    const ready = this.#responders.filter((each) => each.isReady() && matchTopic(each.pattern, topic));
    this.#lastRequestId += 1n;
    const requestId = this.#lastRequestId;
    for (const responder of ready) {
      const taken = responder.take({ requestId, ...call });
      if (!taken) continue;
      // The chosen responder goes to the end of the list, so that several take turns.
      this.#responders.push(...this.#responders.splice(this.#responders.indexOf(responder), 1));
      const timer = this.#scheduler.setTimer(call.timeoutMs, () =>
        this.#finish(requestId, failed(CallOutcome.TIMEOUT, `${topic} was not answered within ${call.timeoutMs} ms`)),
      );
      this.#pending.set(requestId, { responder, timer, drop: () => taken.drop(), report });
      return;
    }
    report(failed(CallOutcome.NO_HANDLER, ready.length === 0 ? `nothing serves ${topic}` : notReading(ready, topic)));
  }

  /** An answer to a request that is over, or that another responder has, is dropped. */
  answer(responders: readonly Responder[], given: Answer): void {
    const answer = acceptableAnswer(given);
    const call = this.#pending.get(answer.requestId);
    if (!call || !responders.includes(call.responder)) return;
    this.#finish(
      answer.requestId,
      answer.ok
        ? { outcome: CallOutcome.ANSWERED, payloadType: answer.payloadType, payload: answer.payload, detail: '' }
        : failed(CallOutcome.HANDLER_ERROR, answer.errorDetail),
    );
  }

  #finish(requestId: bigint, result: CallOutcomeReport): void {
    const call = this.#pending.get(requestId);
    if (!call) return;
    this.#pending.delete(requestId);
    call.timer.cancel();
    // The call is over, so a request that was not sent yet is dropped.
    call.drop();
    call.report(result);
  }
}

function notReading({ length }: readonly Responder[], topic: string): string {
  const limit = formatBytes(sessionLimits.waitingRequestBytes);
  return `all ${length} responders of ${topic} have left more than ${limit} of requests unread, which is the limit`;
}

/** A result without an answer. */
export function failed(outcome: CallOutcome, detail: string): CallOutcomeReport {
  return { outcome, payloadType: '', payload: new Uint8Array(), detail };
}
