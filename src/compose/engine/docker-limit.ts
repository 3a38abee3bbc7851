import type { Scheduler } from '../../base/time/scheduler.ts';
import { UserFacingError } from '../../base/user-facing-error.ts';
import type { CallDocker } from './docker.ts';

/** Far longer than a working engine needs, and shorter than a person waits. Compose itself waits forever. */
const limitMs = 120_000;

/** Calls without a limit: downloads, calls that their caller ends, and a stop, which has its own limit. */
const unlimited: ReadonlySet<string> = new Set(['build', 'pull', 'wait', 'exec', 'stop']);

/** The same calls, but an engine that does not answer is an error. @throws UserFacingError `compose/engine/silent`. */
export function withinLimit(call: CallDocker, scheduler: Scheduler): CallDocker {
  return async (args, options) => {
    if (unlimited.has(args[0] ?? '')) return await call(args, options);
    const giveUp = new AbortController();
    const timer = scheduler.setTimer(limitMs, () => giveUp.abort());
    try {
      const outcome = await call(args, { ...options, signal: giveUp.signal });
      if (giveUp.signal.aborted) throw silent(args);
      return outcome;
    } finally {
      timer.cancel();
    }
  };
}

function silent(args: readonly string[]): UserFacingError {
  return new UserFacingError({
    id: 'compose/engine/silent',
    found: `the engine did not answer \`docker ${args[0]}\` within ${limitMs / 1_000} s`,
    next: ['Check with `docker info` whether the engine works; restart it if that gets no answer either.'],
  });
}
