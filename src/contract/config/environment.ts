/** A process's environment, as `process.env` gives it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The value of a variable without surrounding blanks; a blank one counts as unset, as Compose files write it. */
export function readVariable(environment: Environment, name: string): string | undefined {
  const value = environment[name]?.trim();
  return value === '' ? undefined : value;
}
