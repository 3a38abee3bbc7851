import type { Log } from '../../base/log/log.ts';
import { Backoff, type BackoffOptions } from '../../base/time/backoff.ts';
import { type Scheduler, sleep } from '../../base/time/scheduler.ts';
import { messageOf } from '../../base/user-facing-error.ts';
import { leaseMsTrailer, limits } from '../../contract/wire/limits.ts';
import { RpcError, type StatusCode } from '../../transport/status.ts';

/** The status with which the bus refuses an instance id that a newer sidecar owns. */
export const ownedByNewer = 'ALREADY_EXISTS';

/** The statuses of a call that the bus has not answered. */
const awayStatuses: ReadonlySet<StatusCode> = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED']);

/** Refusals that the bus would repeat. Every other failure is a problem of the bus or of the network. */
const decisions: ReadonlySet<StatusCode> = new Set([
  'INVALID_ARGUMENT',
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
  'FAILED_PRECONDITION',
  'OUT_OF_RANGE',
]);

/** The longest that one attempt to connect, or one call of the control plane, may take. */
export const attemptTimeoutMs = 5_000;

/** The bus looks for expired leases once a second. */
const leaseGraceMs = 2_000;
/** The longest that a bus may make a sidecar wait for another one's lease. */
const leaseWaitMsMax = 120_000;

export interface AttemptsOptions {
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly address: string;
  readonly backoff: BackoffOptions;
  /** How long to try again while the bus is unreachable or fails. */
  readonly timeoutMs: number;
  readonly closing: AbortSignal;
  readonly attempt: (leftMs: number) => Promise<void>;
}

/**
 * Tries until an attempt succeeds. An unreachable or failing bus is tried again until `timeoutMs` have passed. When a newer
 * sidecar owns the instance id, this waits until that one's lease has expired, since it may be dead.
 * @throws RpcError with the bus's decision or the last failure; UNAVAILABLE when the bus did not answer.
 */
export async function tryUntilAnswered(options: AttemptsOptions): Promise<void> {
  const { scheduler, log, address, timeoutMs, closing, attempt } = options;
  const deadlineMs = scheduler.nowMs() + timeoutMs;
  const backoff = new Backoff(scheduler, options.backoff);
  const newer = new NewerSidecar(scheduler);
  let last: RpcError | undefined;
  for (let attempts = 1; ; attempts += 1) {
    try {
      await attempt(Math.min(attemptTimeoutMs, deadlineMs - scheduler.nowMs()));
      return;
    } catch (error) {
      const failure = RpcError.from(error);
      if (decisions.has(failure.code)) throw failure;
      // An attempt that the deadline cut short says less than the one before it.
      if (!last || scheduler.nowMs() < deadlineMs) last = failure;
      const delayMs =
        failure.code === ownedByNewer
          ? newer.delayMs(failure, backoff.nextDelayMs())
          : fitting(backoff.nextDelayMs(), deadlineMs - scheduler.nowMs());
      if (delayMs === undefined || closing.aborted) throw finalFailure(last, address, attempts);
      log.info(waitingFor(failure.code), { address, attempt: attempts, reason: messageOf(failure) });
      await sleep(scheduler, delayMs, closing);
    }
  }
}

/** How long a newer sidecar may own the instance id although the bus hears nothing of it. */
class NewerSidecar {
  readonly #scheduler: Scheduler;
  #deadAtMs: number | undefined;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** The delay, shortened so that the last attempt comes when the lease has expired; undefined once it has. */
  delayMs(refusal: RpcError, delayMs: number): number | undefined {
    const nowMs = this.#scheduler.nowMs();
    this.#deadAtMs ??= nowMs + Math.min(leaseMsOf(refusal), leaseWaitMsMax) + leaseGraceMs;
    return nowMs < this.#deadAtMs ? Math.min(delayMs, this.#deadAtMs - nowMs) : undefined;
  }
}

/** The bus sends the duration of its leases with the refusal; an older bus does not. */
function leaseMsOf({ trailers }: RpcError): number {
  const leaseMs = Number(trailers[leaseMsTrailer]);
  return leaseMs > 0 ? leaseMs : limits.leaseMs;
}

function fitting(delayMs: number, leftMs: number): number | undefined {
  return delayMs < leftMs ? delayMs : undefined;
}

function waitingFor(code: StatusCode): string {
  if (code === ownedByNewer) return 'a newer sidecar owns the instance id; waiting until its lease has expired';
  return awayStatuses.has(code) ? 'the bus does not answer yet' : 'the bus failed; asking it again';
}

function finalFailure(last: RpcError, address: string, attempts: number): RpcError {
  if (!awayStatuses.has(last.code)) return last;
  const message = `${address} did not answer in ${attempts} attempts: ${messageOf(last)}`;
  return new RpcError('UNAVAILABLE', message, { cause: last.cause });
}
