import type { Command } from 'commander';

/** Adds one command to the program; what its action throws is rendered by `main.ts`, which also sets the exit code. */
export type AddCommand = (program: Command) => void;

/** The exit code of a command line that cannot be understood (EX_USAGE of sysexits.h). */
export const usageExitCode = 64;

/** Collects a repeatable option's values in the order given. */
export function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}
