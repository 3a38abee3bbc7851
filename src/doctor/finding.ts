import { UserFacingError, type UserFacingErrorOptions } from '../base/user-facing-error.ts';
import { exitCodes } from '../contract/config/exit-codes.ts';

/** A fact that a person should know; only an error prevents the sidecar from working. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly fault: UserFacingError;
}

/** An error; by default one of configuration. */
export function errorOf(options: UserFacingErrorOptions): Finding {
  return { severity: 'error', fault: new UserFacingError({ exitCode: exitCodes.configuration, ...options }) };
}

export function warningOf(options: UserFacingErrorOptions): Finding {
  return { severity: 'warning', fault: new UserFacingError(options) };
}

/** The exit code for the findings: 0 without an error, 78 when one is of configuration, else that of the first error. */
export function exitCodeFor(findings: readonly Finding[]): number {
  const codes = findings.filter(({ severity }) => severity === 'error').map(({ fault }) => fault.exitCode);
  return codes.includes(exitCodes.configuration) ? exitCodes.configuration : (codes[0] ?? exitCodes.clean);
}

/** Removes duplicates: a problem of several processes of an app is reported once. */
export function distinct(findings: readonly Finding[]): Finding[] {
  const keyOf = ({ fault }: Finding): string => `${fault.id} ${fault.message}`;
  return findings.filter((each, at) => findings.findIndex((other) => keyOf(other) === keyOf(each)) === at);
}
