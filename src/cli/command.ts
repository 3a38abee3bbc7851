import type { Command } from 'commander';
import { UserFacingError } from '../base/user-facing-error.ts';

/** Adds one command to the program. `main.ts` prints its errors and sets the exit code. */
export type AddCommand = (program: Command) => void;

/** The exit code of an invalid command line (EX_USAGE of sysexits.h). */
export const usageExitCode = 64;

/** Collects a repeatable option's values in the order given. */
export function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

/**
 * Reads `KEY=VALUE` arguments as an environment; the last value of a key wins.
 * @throws UserFacingError `cli/env/format` with the usage exit code.
 */
export function environmentOf(pairs: readonly string[], flag = '--env'): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
      throw new UserFacingError({
        id: 'cli/env/format',
        found: `the value of ${flag} is not KEY=VALUE`,
        next: [`Write it as ${flag} KEY=VALUE.`],
        exitCode: usageExitCode,
      });
    }),
  );
}
