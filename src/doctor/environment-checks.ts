import { type Environment, readVariable } from '../contract/config/environment.ts';
import { settings } from '../contract/config/settings.ts';
import { hasTwoTokens, type UnknownVariable, unknownVariables } from '../contract/config/variable-slips.ts';
import { type Finding, warningOf } from './finding.ts';

/** Finds unknown variables with names like ours, and variables that contradict each other. */
export function findUnknownVariables(environment: Environment): Finding[] {
  return [
    ...unknownVariables(environment).map(unknownVariable),
    ...(hasTwoTokens(environment) ? [twoTokens()] : []),
    ...twoAddresses(environment),
  ];
}

function twoTokens(): Finding {
  return warningOf({
    id: 'doctor/environment/two-tokens',
    found: 'SIDECAR_BUS_TOKEN and SIDECAR_BUS_TOKEN_FILE are both set',
    expected: 'The first is used, and the file is not read.',
    next: ['Unset one of them; a token in a file may be replaced without a restart.'],
  });
}

function twoAddresses(environment: Environment): Finding[] {
  const ofSdk = readVariable(environment, 'MERIDIAN_SIDECAR_ADDRESS');
  const own = readVariable(environment, 'SIDECAR_ADDR') ?? settings.ports.pluginAddress.default ?? '';
  return ofSdk === undefined || ofSdk === own ? [] : [otherAddress(ofSdk, own)];
}

function unknownVariable({ name, nearest }: UnknownVariable): Finding {
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
    expected: 'A plugin with the published SDK connects to the first, where nothing answers.',
    next: ['Unset MERIDIAN_SIDECAR_ADDRESS, or set both to the same address.'],
  });
}
