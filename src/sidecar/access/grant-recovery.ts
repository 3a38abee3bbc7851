import { within } from '../../base/async/within.ts';
import type { Log } from '../../base/log/log.ts';
import type { Scheduler } from '../../base/time/scheduler.ts';
import { grantsDenied, grantsUndecided, listGrants } from '../lifecycle/startup-errors.ts';
import type { Access } from './access.ts';

export interface GrantRecoveryOptions {
  readonly access: Access;
  readonly instanceId: string;
  readonly scheduler: Scheduler;
  readonly log: Log;
  /** Undefined: no limit. */
  readonly timeoutMs: number | undefined;
}

/**
 * Waits until the bus has evaluated every grant.
 * @throws UserFacingError when the timeout passes first, or every requested grant is denied.
 */
export async function recoverGrants(options: GrantRecoveryOptions): Promise<void> {
  const { access, instanceId, scheduler, log, timeoutMs } = options;
  if (timeoutMs === undefined) await access.decided();
  else if (!(await within(scheduler, timeoutMs, access.decided()))) {
    throw grantsUndecided({ instanceId, undecided: access.undecided, timeoutMs });
  }
  if (access.granted.length === 0 && access.denied.length > 0) throw grantsDenied(access.denied);
  if (access.denied.length > 0) log.warn(`the bus denied ${listGrants(access.denied)}`);
}
