import type { Log } from '../../base/log/log.ts';
import { Backoff, type BackoffOptions } from '../../base/time/backoff.ts';
import { type Scheduler, sleep } from '../../base/time/scheduler.ts';
import { messageOf } from '../../base/user-facing-error.ts';

export interface ActivationOptions {
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly backoff: BackoffOptions;
  /** Asks the bus once. @throws RpcError */
  readonly attempt: () => Promise<void>;
  /** Aborts when the session is lost; the next session activates for itself. */
  readonly over: AbortSignal;
}

/**
 * Takes over the instance id, and tries again for as long as the session lives.
 * @throws RpcError when the first attempt fails; later attempts continue in the background.
 */
export async function activate(options: ActivationOptions): Promise<void> {
  try {
    await options.attempt();
  } catch (error) {
    void activateAgain(options, messageOf(error));
    throw error;
  }
}

async function activateAgain({ scheduler, log, backoff, attempt, over }: ActivationOptions, first: string) {
  const delays = new Backoff(scheduler, backoff);
  let reason = first;
  let told = '';
  while (!over.aborted) {
    const inMs = delays.nextDelayMs();
    log[reason === told ? 'debug' : 'warn']('the bus did not activate this instance; asking again', {
      inMs: Math.round(inMs),
      reason,
    });
    told = reason;
    await sleep(scheduler, inMs, over);
    if (over.aborted) return;
    try {
      return await attempt();
    } catch (error) {
      reason = messageOf(error);
    }
  }
}
