import { closestName } from '../../base/closest-name.ts';
import { type Environment, readVariable } from './environment.ts';
import { variableSettings } from './settings.ts';

export interface UnknownVariable {
  readonly name: string;
  /** The known name that it may be a slip of. */
  readonly nearest: string | undefined;
}

/** Set by the Compose provider for dependents; nobody sets it by hand. */
const generation = 'SIDECAR_GENERATION';

/** Variables that look like ours and that nothing reads. */
export function unknownVariables(environment: Environment): UnknownVariable[] {
  const known = [...variableSettings.keys(), generation];
  return Object.keys(environment)
    .filter((name) => name.startsWith('SIDECAR_') && !known.includes(name))
    .map((name) => ({ name, nearest: closestName(name, known) }));
}

/** Whether there are two tokens, of which only SIDECAR_BUS_TOKEN is used. */
export function hasTwoTokens(environment: Environment): boolean {
  return ['SIDECAR_BUS_TOKEN', 'SIDECAR_BUS_TOKEN_FILE'].every((name) => readVariable(environment, name) !== undefined);
}
