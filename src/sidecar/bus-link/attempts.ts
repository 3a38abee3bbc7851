import type { Log } from '../../base/log/log.ts';
import { Backoff, type BackoffOptions } from '../../base/time/backoff.ts';
import { type Scheduler, sleep } from '../../base/time/scheduler.ts';
import { messageOf } from '../../base/user-facing-error.ts';
import { leaseMsTrailer, limits } from '../../contract/wire/limits.ts';
import { RpcError, type StatusCode } from '../../transport/status.ts';

/** How the bus refuses an instance id that a newer start has. */
export const newerStartOwns = 'ALREADY_EXISTS';

/** How a call ends that the bus has not answered. */
const awayStatuses: ReadonlySet<StatusCode> = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED']);

/** What the bus would decide in the same way again. Every other failure is a fault, of the bus or on the way to it. */
const decisions: ReadonlySet<StatusCode> = new Set([
  'INVALID_ARGUMENT',
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
  'FAILED_PRECONDITION',
  'OUT_OF_RANGE',
]);

/** The longest one attempt to connect or one call of the control plane may take. */
export const attemptTimeoutMs = 5_000;

/** The bus looks once a second for leases that have ended. */
const leaseGraceMs = 2_000;
/** The longest that a bus may make a sidecar wait for the lease of another. */
const leaseWaitMsMax = 120_000;

export interface AttemptsOptions {
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly address: string;
  readonly backoff: BackoffOptions;
  /** How long a bus that is away or fails is asked again. */
  readonly timeoutMs: number;
  readonly closing: AbortSignal;
  readonly attempt: (leftMs: number) => Promise<void>;
}

/**
 * Tries until an attempt succeeds. A bus that is away or fails is asked again until `timeoutMs` have passed, and one that says
 * that a newer start owns the instance id until the lease of that start has ended, since a dead one may hold it.
 * @throws RpcError with what the bus decided or with the last failure; UNAVAILABLE when it did not answer.
 */
export async function tryUntilAnswered(options: AttemptsOptions): Promise<void> {
  const { scheduler, log, address, timeoutMs, closing, attempt } = options;
  const deadlineMs = scheduler.nowMs() + timeoutMs;
  const backoff = new Backoff(scheduler, options.backoff);
  const newer = new NewerStart(scheduler);
  let last: RpcError | undefined;
  for (let attempts = 1; ; attempts += 1) {
    try {
      await attempt(Math.min(attemptTimeoutMs, deadlineMs - scheduler.nowMs()));
      return;
    } catch (error) {
      const failure = RpcError.from(error);
      if (decisions.has(failure.code)) throw failure;
      // An attempt that the deadline cut short tells less than the one before it.
      if (!last || scheduler.nowMs() < deadlineMs) last = failure;
      const delayMs =
        failure.code === newerStartOwns
          ? newer.delayMs(failure, backoff.nextDelayMs())
          : fitting(backoff.nextDelayMs(), deadlineMs - scheduler.nowMs());
      if (delayMs === undefined || closing.aborted) throw finalFailure(last, address, attempts);
      log.info(waitingFor(failure.code), { address, attempt: attempts, reason: messageOf(failure) });
      await sleep(scheduler, delayMs, closing);
    }
  }
}

/** How long a newer start that owns the instance id can live without being heard of. */
class NewerStart {
  readonly #scheduler: Scheduler;
  #deadAtMs: number | undefined;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** The delay, shortened so that the last attempt comes when the lease has ended; undefined when that has been. */
  delayMs(refusal: RpcError, delayMs: number): number | undefined {
    const nowMs = this.#scheduler.nowMs();
    this.#deadAtMs ??= nowMs + Math.min(leaseMsOf(refusal), leaseWaitMsMax) + leaseGraceMs;
    return nowMs < this.#deadAtMs ? Math.min(delayMs, this.#deadAtMs - nowMs) : undefined;
  }
}

/** The lease that the bus gives, which it tells with the refusal; an older bus does not. */
function leaseMsOf({ trailers }: RpcError): number {
  const leaseMs = Number(trailers[leaseMsTrailer]);
  return leaseMs > 0 ? leaseMs : limits.leaseMs;
}

function fitting(delayMs: number, leftMs: number): number | undefined {
  return delayMs < leftMs ? delayMs : undefined;
}

function waitingFor(code: StatusCode): string {
  if (code === newerStartOwns) return 'a newer start owns the instance id; waiting until its lease has ended';
  return awayStatuses.has(code) ? 'the bus does not answer yet' : 'the bus failed; asking it again';
}

function finalFailure(last: RpcError, address: string, attempts: number): RpcError {
  if (!awayStatuses.has(last.code)) return last;
  const message = `${address} did not answer in ${attempts} attempts: ${messageOf(last)}`;
  return new RpcError('UNAVAILABLE', message, { cause: last.cause });
}
