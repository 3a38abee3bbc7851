import { closestName } from '../base/closest-name.ts';
import { composeOptions } from '../contract/config/compose-options.ts';
import { errorOf, type Finding, warningOf } from './finding.ts';
import type { DoctorReport } from './report.ts';
import { asMapping, type Mapping, readYaml } from './yaml-text.ts';

interface ProvidedService {
  readonly name: string;
  readonly options: Mapping;
}

const providerType = 'meridian-sidecar';

/**
 * Says of each service that this provider brings what is configured and what is wrong. Compose drops options that a provider
 * does not describe without a word, so that only the file itself shows a slip. Variables (`${NAME}`) are taken as right.
 */
export function examineComposeFile(file: { readonly name: string; readonly text: string }): DoctorReport[] {
  const empty = { subject: `Compose file ${file.name}`, settings: [], notes: [] };
  const faults: Finding[] = [];
  const document = readYaml(file.text, (reason) => faults.push(notYaml(file.name, reason)));
  if (faults.length > 0) return [{ ...empty, findings: faults }];
  const services = Object.entries(asMapping(asMapping(document)['services'])).map(
    ([name, raw]) => [name, asMapping(raw)] as const,
  );
  const provided = services.flatMap(([name, raw]) => {
    const provider = asMapping(raw['provider']);
    return provider['type'] === providerType ? [{ name, options: asMapping(provider['options']) }] : [];
  });
  if (provided.length === 0) return [{ ...empty, findings: [noProvider(file.name)] }];
  return provided.map((service) => ({
    subject: `service ${service.name} of ${file.name}`,
    settings: Object.entries(service.options).map(([name, value]) => ({
      name,
      value: asList(value).map(String).join(', '),
      source: file.name,
    })),
    notes: [],
    findings: [...findOptionFaults(service), ...findPluginFaults(service, services)],
  }));
}

function findOptionFaults({ name: service, options }: ProvidedService): Finding[] {
  return Object.entries(options).flatMap(([name, value]) => {
    const option = Object.hasOwn(composeOptions, name) ? composeOptions[name] : undefined;
    if (option === undefined) return [unknownOption(service, name)];
    if (Array.isArray(value) && !option.repeats) return [wrongValue(name, value, 'one value')];
    return asList(value).flatMap((each) => {
      const expected = expectedOf(name, String(each ?? ''));
      return expected === undefined ? [] : [wrongValue(name, each, expected)];
    });
  });
}

/** Undefined when the text can be a value of the option, as far as that is known before Compose fills in variables. */
function expectedOf(name: string, text: string): string | undefined {
  const option = composeOptions[name];
  if (option === undefined || text === '' || text.includes('$')) return undefined;
  if (option.values && !option.values.includes(text)) return `one of ${option.values.join(', ')}`;
  if (option.type === 'integer' && !/^\d+$/.test(text)) return 'a whole number';
  if (option.type === 'boolean' && !/^(?:true|false)$/.test(text)) return 'true or false';
  if (option.mountedAt !== undefined && !text.startsWith('/')) {
    return 'an absolute path, such as $PWD/FILE, because a provider does not learn where the Compose file is';
  }
  return undefined;
}

function findPluginFaults(
  { name, options }: ProvidedService,
  services: readonly (readonly [string, Mapping])[],
): Finding[] {
  const joins = services.filter(([, raw]) => joinsOwnerOf(name, raw));
  const wantsService = services.filter(([, raw]) => raw['network_mode'] === `service:${name}`);
  const uncalled = joins.filter(([, raw]) => !dependsOn(raw, name));
  const hasVariables = String(options['env'] ?? 'true') === 'true' && String(options['raw'] ?? 'false') === 'false';
  return [
    ...wantsService.map(([plugin]) => joinedAsService(plugin, name)),
    ...(joins.length + wantsService.length === 0 ? [nobodyJoins(name)] : []),
    ...(joins.length > 1
      ? [
          severalJoin(
            name,
            joins.map(([plugin]) => plugin),
          ),
        ]
      : []),
    ...joins.filter(([, raw]) => replicasOf(raw) > 1).map(([plugin]) => scaled(plugin)),
    ...uncalled.map(([plugin]) => noDependency(plugin, name)),
    ...(hasVariables && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? [unreadableName(name)] : []),
  ];
}

/** The container that owns the namespace is named `PROJECT-SERVICE-1`, the project being known to Compose alone. */
function joinsOwnerOf(service: string, raw: Mapping): boolean {
  const mode = String(raw['network_mode'] ?? '');
  return mode.startsWith('container:') && mode.endsWith(`-${service}-1`);
}

function dependsOn(raw: Mapping, service: string): boolean {
  const listed = raw['depends_on'];
  return Array.isArray(listed) ? listed.includes(service) : Object.hasOwn(asMapping(listed), service);
}

function replicasOf(raw: Mapping): number {
  return Number(raw['scale'] ?? asMapping(raw['deploy'])['replicas'] ?? 1);
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function notYaml(file: string, reason: string): Finding {
  return errorOf({
    id: 'doctor/compose/yaml',
    found: `${file} is not YAML: ${reason}`,
    next: [`Correct ${file}.`],
  });
}

function noProvider(file: string): Finding {
  return warningOf({
    id: 'doctor/compose/no-provider',
    found: `no service of ${file} has \`provider: {type: ${providerType}}\``,
    next: ['Name the Compose file with the sidecar, or look at the plain form: `meridian-sidecar compose snippet`.'],
  });
}

function unknownOption(service: string, name: string): Finding {
  const nearest = closestName(name, Object.keys(composeOptions));
  return errorOf({
    id: 'doctor/compose/unknown-option',
    found: `service ${service} has the option \`${name}\`, which does not exist`,
    expected: 'Compose leaves it out without a word.',
    next: [nearest === undefined ? 'Remove it.' : `Write \`${nearest}\`.`],
  });
}

function wrongValue(name: string, value: unknown, expected: string): Finding {
  return errorOf({
    id: 'doctor/compose/option-value',
    found: `option \`${name}\` is ${JSON.stringify(value)}`,
    expected: `It must be ${expected}.`,
    next: [`Correct option \`${name}\`.`],
  });
}

function nobodyJoins(service: string): Finding {
  return warningOf({
    id: 'doctor/compose/nobody-joins',
    found: `no service shares the network of ${service}, so no plugin can reach its sidecar`,
    next: [`Give the plugin \`network_mode: "container:\${COMPOSE_PROJECT_NAME}-${service}-1"\`.`],
  });
}

function severalJoin(service: string, plugins: readonly string[]): Finding {
  return errorOf({
    id: 'doctor/compose/several-join',
    found: `${plugins.join(' and ')} share the network of ${service}`,
    expected: 'A sidecar serves one plugin.',
    next: ['Give each plugin a sidecar of its own.'],
  });
}

function scaled(plugin: string): Finding {
  return errorOf({
    id: 'doctor/compose/scaled',
    found: `the plugin ${plugin} runs more than once beside one sidecar`,
    expected: 'A sidecar serves one plugin.',
    next: ['Write one service with one sidecar for each instance.'],
  });
}

function joinedAsService(plugin: string, service: string): Finding {
  return errorOf({
    id: 'doctor/compose/network-mode',
    found: `${plugin} has \`network_mode: service:${service}\``,
    expected: 'Compose looks for that container before the provider has made it, and the first `up` fails.',
    next: [`Write \`network_mode: "container:\${COMPOSE_PROJECT_NAME}-${service}-1"\`.`],
  });
}

function noDependency(plugin: string, service: string): Finding {
  return errorOf({
    id: 'doctor/compose/depends-on',
    found: `${plugin} shares the network of ${service} and does not depend on it`,
    expected: 'Compose then makes the two at once, and the network may not be there yet.',
    next: [`Add \`depends_on: [${service}]\` to ${plugin}.`],
  });
}

function unreadableName(service: string): Finding {
  return errorOf({
    id: 'doctor/compose/service-name',
    found: `dependents of the service "${service}" would get ${service.toUpperCase()}_ADDR, which no shell can read`,
    expected: 'Compose puts the name of the service in capitals before each variable.',
    next: [`Name the service ${service.replaceAll(/\W/g, '_')}, or give it the option \`env: false\`.`],
  });
}
