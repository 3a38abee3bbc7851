import type { Log } from '../base/log.ts';
import type { Scheduler } from '../base/scheduler.ts';
import { within } from '../base/within.ts';
import type { Access } from './access.ts';
import { grantsDenied, grantsUndecided, listGrants } from './startup-errors.ts';

const remindEveryMs = 10_000;

export interface GrantRecoveryOptions {
  readonly access: Access;
  readonly scheduler: Scheduler;
  readonly log: Log;
  /** Undefined: for ever. */
  readonly timeoutMs: number | undefined;
}

/**
 * Waits until the bus has decided on every grant, and says now and then which are still open.
 * @throws UserFacingError when nobody decides in time, or everything that was asked for is denied.
 */
export async function recoverGrants({ access, scheduler, log, timeoutMs }: GrantRecoveryOptions): Promise<void> {
  const endMs = scheduler.nowMs() + (timeoutMs ?? Number.POSITIVE_INFINITY);
  while (!access.isLoaded) {
    const leftMs = endMs - scheduler.nowMs();
    if (leftMs <= 0) throw grantsUndecided(access.undecided, timeoutMs ?? 0);
    const isDecided = await within(scheduler, Math.min(leftMs, remindEveryMs), access.decided());
    if (!isDecided) log.warn(`waiting for a decision on ${listGrants(access.undecided)}`);
  }
  if (access.granted.length === 0 && access.denied.length > 0) throw grantsDenied(access.denied);
  if (access.denied.length > 0) log.warn(`the bus denied ${listGrants(access.denied)}`);
}
