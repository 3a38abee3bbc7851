/** A process's environment, as `process.env` gives it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The value of a variable without surrounding blanks. A blank value counts as unset, since Compose files can set blank variables. */
export function readVariable(environment: Environment, name: string): string | undefined {
  const value = environment[name]?.trim();
  return value === '' ? undefined : value;
}
