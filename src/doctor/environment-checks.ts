import { closestName } from '../base/closest-name.ts';
import { type Environment, readVariable } from '../contract/config/environment.ts';
import { settings, variableSettings } from '../contract/config/settings.ts';
import { type Finding, warningOf } from './finding.ts';

/** Finds variables that look like ours and are not, and those that contradict each other. */
export function findUnknownVariables(environment: Environment): Finding[] {
  const known = [...variableSettings.keys()];
  const unknown = Object.keys(environment).filter((name) => name.startsWith('SIDECAR_') && !known.includes(name));
  return [...unknown.map((name) => unknownVariable(name, closestName(name, known))), ...twoAddresses(environment)];
}

function twoAddresses(environment: Environment): Finding[] {
  const ofSdk = readVariable(environment, 'MERIDIAN_SIDECAR_ADDRESS');
  const own = readVariable(environment, 'SIDECAR_ADDR') ?? settings.ports.pluginAddress.default ?? '';
  return ofSdk === undefined || ofSdk === own ? [] : [otherAddress(ofSdk, own)];
}

function unknownVariable(name: string, nearest: string | undefined): Finding {
  return warningOf({
    id: 'doctor/environment/unknown',
    found: `The variable ${name} is set, and nothing reads it`,
    next: [nearest === undefined ? `Remove ${name}.` : `Did you mean ${nearest}?`],
  });
}

function otherAddress(ofSdk: string, own: string): Finding {
  return warningOf({
    id: 'doctor/environment/two-addresses',
    found: `MERIDIAN_SIDECAR_ADDRESS is ${ofSdk}, and the sidecar listens at ${own}`,
    expected: 'A plugin with the published SDK connects to the first, where nobody answers.',
    next: ['Unset MERIDIAN_SIDECAR_ADDRESS, or set both to the same address.'],
  });
}
