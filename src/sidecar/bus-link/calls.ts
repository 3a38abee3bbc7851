import type { Scheduler, Timer } from '../../base/time/scheduler.ts';
import { CallOutcome, type CallResult, type SessionEvent } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { Envelope } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import type { RequestInit } from './bus-session.ts';
import type { SessionListener } from './session-listener.ts';

export type CallReport = Pick<CallResult, 'outcome' | 'payloadType' | 'payload' | 'detail'>;

/** The bus answers at the caller's deadline. Only if it cannot does the sidecar answer, this much later. */
const graceMs = 250;

/** Calls to other plugins: at most once, never queued, bounded in time. */
export class BusCalls implements SessionListener {
  readonly #scheduler: Scheduler;
  readonly #send: (message: RequestInit) => boolean;
  readonly #pending = new Map<bigint, { readonly timer: Timer; readonly settle: (report: CallReport) => void }>();
  #lastId = 0n;

  constructor(options: { scheduler: Scheduler; send: (message: RequestInit) => boolean }) {
    this.#scheduler = options.scheduler;
    this.#send = options.send;
  }

  /** Makes one call. Its envelope gets an id that is unique within this sidecar. */
  call(makeEnvelope: (callId: bigint) => Envelope, timeoutMs: number): Promise<CallReport> {
    this.#lastId += 1n;
    const callId = this.#lastId;
    const envelope = makeEnvelope(callId);
    return new Promise((settle) => {
      const timer = this.#scheduler.setTimer(timeoutMs + graceMs, () =>
        this.#settle(callId, withoutAnswer(CallOutcome.TIMEOUT, `no answer came within ${timeoutMs} ms`)),
      );
      this.#pending.set(callId, { timer, settle });
      if (this.#send({ case: 'call', value: { callId, envelope, timeoutMs } })) return;
      this.#settle(callId, withoutAnswer(CallOutcome.REFUSED, 'the bus is away, and calls are never queued'));
    });
  }

  onSessionLost(): void {
    for (const callId of this.#pending.keys()) {
      this.#settle(callId, withoutAnswer(CallOutcome.TIMEOUT, 'the bus was lost before an answer came'));
    }
  }

  onEvent(event: SessionEvent['event']): void {
    if (event.case === 'callResult') this.#settle(event.value.callId, event.value);
  }

  #settle(callId: bigint, report: CallReport): void {
    const pending = this.#pending.get(callId);
    if (!pending) return;
    this.#pending.delete(callId);
    pending.timer.cancel();
    pending.settle(report);
  }
}

/** The report of a call that got no answer. */
export function withoutAnswer(outcome: CallOutcome, detail: string): CallReport {
  return { outcome, payloadType: '', payload: new Uint8Array(), detail };
}
