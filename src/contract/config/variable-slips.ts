import { closestName } from '../../base/closest-name.ts';
import { type Environment, readVariable } from './environment.ts';
import { variableSettings } from './settings.ts';

export interface UnknownVariable {
  readonly name: string;
  /** The known name that was probably meant. */
  readonly nearest: string | undefined;
}

/** The Compose provider sets it for dependents. People do not. */
const generation = 'SIDECAR_GENERATION';

/** Variables that look like ours but that no program reads. */
export function unknownVariables(environment: Environment): UnknownVariable[] {
  const known = [...variableSettings.keys(), generation];
  return Object.keys(environment)
    .filter((name) => name.startsWith('SIDECAR_') && !known.includes(name))
    .map((name) => ({ name, nearest: closestName(name, known) }));
}

/** True if there are two tokens. Only SIDECAR_BUS_TOKEN is used. */
export function hasTwoTokens(environment: Environment): boolean {
  return ['SIDECAR_BUS_TOKEN', 'SIDECAR_BUS_TOKEN_FILE'].every((name) => readVariable(environment, name) !== undefined);
}
