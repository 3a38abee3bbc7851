import type { Log } from '../../base/log/log.ts';
import { messageOf, UserFacingError } from '../../base/user-facing-error.ts';

/** One step of startup. A failure of a fatal step ends the program; any other failure is logged and startup continues. */
export type StartupStep = {
  readonly name: string;
  start(): Promise<void>;
  stop?(): Promise<void>;
} & ({ readonly fatal: true } | { readonly fatal: false /** What tries again, and when. */; readonly retried: string });

/** Runs the steps in order and logs each as `startup n/8`. @throws the failure of a fatal step, with the step named. */
export async function runStartup(steps: readonly StartupStep[], log: Log): Promise<void> {
  for (const [index, step] of steps.entries()) {
    const place = `${index + 1}/${steps.length}`;
    try {
      await step.start();
      log.info(`startup ${place}: ${step.name}`);
    } catch (error) {
      if (step.fatal) throw atStep(error, `Startup stopped at step ${index + 1} of ${steps.length}: ${step.name}.`);
      log.warn(
        `startup ${place}: ${step.name} failed, and the sidecar goes on without it: ${messageOf(error)}; ${step.retried}`,
      );
    }
  }
}

/** Runs the stops in reverse. A failing stop does not prevent the others. */
export async function runShutdown(steps: readonly StartupStep[], log: Log): Promise<void> {
  for (const step of steps.toReversed()) {
    try {
      await step.stop?.();
    } catch (error) {
      log.warn(`shutdown: ${step.name} did not stop cleanly: ${messageOf(error)}`);
    }
  }
}

function atStep(error: unknown, place: string): unknown {
  if (!(error instanceof UserFacingError)) return error;
  const { id, next, exitCode, cause } = error;
  const expected = error.expected === undefined ? error.message : `${error.message}. ${error.expected}`;
  return new UserFacingError({ id, found: place, expected, next, exitCode, cause });
}
