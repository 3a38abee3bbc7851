import { type Scheduler, sleep } from '../../base/time/scheduler.ts';
import { UserFacingError } from '../../base/user-facing-error.ts';
import type { StateFiles } from './state-files.ts';

export interface LockRequest {
  readonly state: StateFiles;
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly timeoutMs: number;
  /** Called once when another process holds the lock. */
  readonly report: (text: string) => void;
}

const tryEveryMs = 100;

/** Runs the work under a lock that one process at a time can hold. @throws UserFacingError `compose/lock/busy`. */
export async function withLock<T>(request: LockRequest, work: () => Promise<T>): Promise<T> {
  const release = await takeLock(request);
  try {
    return await work();
  } finally {
    release();
  }
}

async function takeLock({ state, name, scheduler, timeoutMs, report }: LockRequest): Promise<() => void> {
  const startedMs = scheduler.nowMs();
  let release = state.tryLock(name);
  if (release === undefined) report('waiting for another call for the same service');
  while (release === undefined) {
    if (scheduler.nowMs() - startedMs >= timeoutMs) throw busy(name, timeoutMs);
    await sleep(scheduler, tryEveryMs);
    release = state.tryLock(name);
  }
  return release;
}

function busy(name: string, timeoutMs: number): UserFacingError {
  return new UserFacingError({
    id: 'compose/lock/busy',
    found: `another call has been working on ${name} for more than ${timeoutMs / 1_000} s`,
    next: ['Wait for it to end, or end it, and try again.'],
  });
}
