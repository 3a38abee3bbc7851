import { type Scheduler, sleep } from '../time/scheduler.ts';

/**
 * Waits for the promise, at most `timeoutMs` or until the signal aborts. True when it was fulfilled in time.
 * A rejection counts as not fulfilled. The work itself continues.
 */
export async function within(
  scheduler: Scheduler,
  timeoutMs: number,
  promise: Promise<unknown>,
  signal?: AbortSignal,
): Promise<boolean> {
  const finished = new AbortController();
  const giveUp = signal ? AbortSignal.any([signal, finished.signal]) : finished.signal;
  const outcome = promise.then(
    () => true,
    () => false,
  );
  const timeout = sleep(scheduler, timeoutMs, giveUp).then(() => false);
  const isDone = await Promise.race([outcome, timeout]);
  finished.abort();
  return isDone;
}
