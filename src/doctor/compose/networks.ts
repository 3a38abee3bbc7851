import { errorOf, type Finding, warningOf } from '../finding.ts';
import { asMapping, type Mapping } from '../yaml-text.ts';
import { optionsOf, type ProvidedService } from './provided-service.ts';

/** The parts of a Compose file that determine which networks exist. */
export interface ComposeModel {
  readonly services: readonly (readonly [name: string, raw: Mapping])[];
  /** The `networks:` at the top of the file. */
  readonly networks: Mapping;
}

/** Finds networks that do not exist yet when Compose calls the provider: it creates those that some service lists. */
export function findMissingNetworks(service: ProvidedService, { services, networks }: ComposeModel): Finding[] {
  const named = optionsOf(service)['network'] ?? 'default';
  const listed = listedNetworks(service.raw);
  return [named].flat().flatMap((each) => {
    const network = String(each);
    if (network === '' || network.includes('$')) return [];
    if (!Object.hasOwn(networks, network))
      return [network === 'default' ? missing(service.name, network) : foreign(network)];
    const isExternal = Boolean(asMapping(networks[network])['external']);
    if (isExternal || listed.includes(network)) return [];
    const isUsed = services.some(([name, raw]) => name !== service.name && usedNetworks(raw).includes(network));
    return [isUsed ? unlisted(service.name, network) : missing(service.name, network)];
  });
}

function listedNetworks({ networks }: Mapping): readonly string[] {
  return Array.isArray(networks) ? networks.map(String) : Object.keys(asMapping(networks));
}

/** A service without `networks` is on `default`; one of a provider is on none. */
function usedNetworks(raw: Mapping): readonly string[] {
  const isOnDefault =
    raw['networks'] === undefined && raw['network_mode'] === undefined && raw['provider'] === undefined;
  return isOnDefault ? ['default'] : listedNetworks(raw);
}

function missing(service: string, network: string): Finding {
  return errorOf({
    id: 'doctor/compose/network-missing',
    found: `Compose makes no network \`${network}\` for ${service}, and \`up\` fails without`,
    expected: 'A service of a provider is on no network unless it lists one, not even on the default one.',
    next: [`Write \`networks: [${network}]\` beside \`provider:\`, and \`networks: {${network}: {}}\` at the top.`],
  });
}

function unlisted(service: string, network: string): Finding {
  return warningOf({
    id: 'doctor/compose/network-unlisted',
    found: `${service} does not list the network \`${network}\`, which only other services are on`,
    expected: 'Compose 5.2 and later may call the provider before it has made that network.',
    next: [`Write \`networks: [${network}]\` beside \`provider:\`.`],
  });
}

function foreign(network: string): Finding {
  return warningOf({
    id: 'doctor/compose/network-foreign',
    found: `The file declares no network \`${network}\`; \`up\` fails unless the engine has one of that name`,
    next: [`Write \`networks: {${network}: {}}\` at the top, and \`networks: [${network}]\` beside \`provider:\`.`],
  });
}
