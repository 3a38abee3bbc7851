import { parseDurationMs } from '../base/time/duration.ts';
import { realScheduler } from '../base/time/real-scheduler.ts';
import { sleep } from '../base/time/scheduler.ts';
import { UserFacingError } from '../base/user-facing-error.ts';
import { type AddCommand, usageExitCode } from './command.ts';
import { askHealth, type HealthAnswer } from './health-answer.ts';
import { ownAddresses } from './own-addresses.ts';

interface WaitFlags {
  readonly address?: string;
  readonly timeout: string;
}

/** A later attempt may succeed (EX_TEMPFAIL of sysexits.h). */
const notReadyExitCode = 75;
const pollEveryMs = 100;

/**
 * `meridian-sidecar wait`: waits until the sidecar of this container is healthy, which means that it accepts its plugin. Exits
 * 0, or 75 after the timeout, with one line either way. It also ends when the process that started it ends.
 */
export const addWaitCommand: AddCommand = (program) => {
  program
    .command('wait')
    .description('wait until the sidecar of this container accepts its plugin; exit 75 when it does not in time')
    .option('-a, --address <host:port>', "the sidecar's health address (default: as the sidecar itself finds it)")
    .option('-t, --timeout <duration>', 'how long to wait', '45s')
    .action(async (flags: WaitFlags) => {
      const timeoutMs = timeoutOf(flags.timeout);
      const address = flags.address ?? (await ownAddresses(process.env)).health;
      const startedMs = realScheduler.nowMs();
      const parent = process.ppid;
      let answer = await askHealth(address);
      while (!answer.isHealthy && realScheduler.nowMs() - startedMs < timeoutMs) {
        await sleep(realScheduler, pollEveryMs);
        // Stopping a container ends the shell that waits for this, and this must not delay the stop.
        if (process.ppid !== parent) return;
        answer = await askHealth(address);
      }
      if (!answer.isHealthy) throw notReady(address, flags.timeout, answer);
      const seconds = ((realScheduler.nowMs() - startedMs) / 1_000).toFixed(1);
      process.stdout.write(`the sidecar is ${answer.state} after ${seconds} s\n`);
    });
};

function timeoutOf(text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined) return ms;
  throw new UserFacingError({
    id: 'wait/timeout/format',
    found: `--timeout is "${text}", which is not a duration`,
    next: ['Write it as 500ms, 45s or 2m.'],
    exitCode: usageExitCode,
  });
}

/** One line, since it appears among the log lines of an app that starts anyway. */
function notReady(address: string, timeout: string, { state }: HealthAnswer): UserFacingError {
  const answer = state === undefined ? 'nobody answers' : `it is ${state}`;
  return new UserFacingError({
    id: 'wait/sidecar/not-ready',
    found: `the sidecar was not ready within ${timeout}: ${answer} at ${address}; its own log says why`,
    next: [],
    exitCode: notReadyExitCode,
  });
}
