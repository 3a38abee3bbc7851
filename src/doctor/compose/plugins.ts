import { errorOf, type Finding, warningOf } from '../finding.ts';
import { shellTokens } from '../start-command/shell-words.ts';
import { lossInProgram } from '../start-command/signal-loss.ts';
import { swallowsSigterm } from '../start-command/swallows-sigterm.ts';
import { asMapping, type Mapping } from '../yaml-text.ts';

export interface PluginSources {
  readonly services: readonly (readonly [name: string, raw: Mapping])[];
  /** Undefined: the folder or the command line decides. */
  readonly project: string | undefined;
}

/** Finds problems between a service of the provider and the plugins that join its network. */
export function findPluginFaults(name: string, sources: PluginSources): Finding[] {
  const { services } = sources;
  const joins = services.filter(([, raw]) => joinsOwnerOf(name, raw, sources));
  const wantsService = services.filter(([, raw]) => raw['network_mode'] === `service:${name}`);
  const uncalled = joins.filter(([, raw]) => !dependsOn(raw, name));
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
    ...joins.flatMap(([plugin, raw]) => swallowedSignal(plugin, raw)),
  ];
}

/** The network owner's name is `PROJECT-SERVICE-1`; only Compose knows the project. */
function joinsOwnerOf(service: string, raw: Mapping, { services, project }: PluginSources): boolean {
  const [, container = ''] = /^container:(.*)$/.exec(String(raw['network_mode'] ?? '')) ?? [];
  const isOf = (name: string): boolean => container.endsWith(`-${name}-1`);
  if (!isOf(service)) return false;
  const before = container.slice(0, -`-${service}-1`.length);
  if (before.includes('$')) return /^\$(?:COMPOSE_PROJECT_NAME|\{COMPOSE_PROJECT_NAME(?::?[-?][^}]*)?\})$/.test(before);
  if (project !== undefined) return before === project;
  if (before === '') return false;
  // One service's name may end like another's.
  return !services.some(([name]) => name.length > service.length && isOf(name));
}

function dependsOn(raw: Mapping, service: string): boolean {
  const listed = raw['depends_on'];
  return Array.isArray(listed) ? listed.includes(service) : Object.hasOwn(asMapping(listed), service);
}

/**
 * Compose splits the text into words as a shell would, but runs no shell:
 * https://docs.docker.com/reference/compose-file/services/#command
 */
function swallowedSignal(plugin: string, { entrypoint, command }: Mapping): Finding[] {
  const words = [entrypoint, command].flatMap((each) =>
    typeof each === 'string' ? shellTokens(each).map(({ text }) => text) : [each ?? []].flat().map(String),
  );
  const loss = lossInProgram(words);
  const next = ['Start the program itself, such as `command: [node, plugin.js]`.'];
  return loss === undefined ? [] : [swallowsSigterm(`The command of ${plugin}, \`${words.join(' ')}\`,`, loss, next)];
}

function replicasOf(raw: Mapping): number {
  return Number(raw['scale'] ?? asMapping(raw['deploy'])['replicas'] ?? 1);
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
