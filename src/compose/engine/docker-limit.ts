import type { Scheduler } from '../../base/time/scheduler.ts';
import { UserFacingError } from '../../base/user-facing-error.ts';
import type { CallDocker } from './docker.ts';

/** Far more than an engine takes that works, and less than a person waits: Compose itself waits for ever. */
const limitMs = 120_000;

/** The calls that may take as long as they do: downloads, those whose caller ends them, and a stop, which has a limit of its own. */
const unlimited: ReadonlySet<string> = new Set(['build', 'pull', 'wait', 'exec', 'stop']);

/** The same calls, except that an engine that does not answer is an error. @throws UserFacingError `compose/engine/silent`. */
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
    next: ['Look whether the engine works, with `docker info`; restart it if it does not answer that either.'],
  });
}
