import { createHash } from 'node:crypto';
import type { Mount, ServiceSettings } from '../invocation/service-settings.ts';
import { busHost, ownerName, sidecarName } from '../names.ts';
import { type Container, composeLabels, labels, type Role } from './container.ts';

/** A container to create. */
export interface ContainerSpec {
  readonly name: string;
  /** The arguments between `docker create --name NAME` and the labels. */
  readonly flags: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  readonly command: readonly string[];
  /** All networks beyond the first, which is in the flags. */
  readonly furtherNetworks: readonly NetworkPlace[];
  /** Identifies the settings that a container must be made of to match this spec. */
  readonly hash: string;
}

export interface NetworkPlace {
  readonly network: string;
  readonly aliases: readonly string[];
}

/** The arguments after `docker` that create it. */
export function createArguments(spec: ContainerSpec): string[] {
  const marks = { ...spec.labels, [labels.spec]: spec.hash };
  return [
    ...['create', '--name', spec.name],
    ...spec.flags,
    ...Object.entries(marks).flatMap(([name, value]) => ['--label', `${name}=${value}`]),
    spec.image,
    ...spec.command,
  ];
}

export function isMadeOf(container: Container, spec: ContainerSpec): boolean {
  return container.labels[labels.spec] === spec.hash;
}

/**
 * The network owner: it sleeps. Sidecar and plugin join its network, so that either can be restarted or replaced while the
 * other keeps its connections. Ports and names on the networks belong to the network owner.
 */
export function ownerSpec(settings: ServiceSettings, networks: readonly string[], image: string): ContainerSpec {
  const { project, service, publish, aliases } = settings;
  const [first = '', ...others] = networks;
  const flags = [
    ...['--network', first],
    ...aliases.flatMap((alias) => ['--network-alias', alias]),
    ...publish.flatMap((port) => ['--publish', port]),
    // It holds nothing that has to stop gracefully.
    ...['--entrypoint', 'sleep', '--stop-signal', 'SIGKILL', '--no-healthcheck'],
  ];
  return {
    name: ownerName(project, service),
    flags,
    labels: hiddenLabels({ project, service: `${service}-network` }, { role: 'network-owner', madeBy: service }),
    image,
    command: ['infinity'],
    furtherNetworks: others.map((network) => ({ network, aliases })),
    // Without the image: nothing in the network owner depends on it, and replacing the network owner disconnects the plugin.
    hash: hashOf({ flags, others }),
  };
}

export interface SidecarPlace {
  readonly ownerId: string;
  /** As a one-off of its service: Compose then neither starts nor stops it. */
  readonly isOneOff: boolean;
}

/** The sidecar, in the network of the network owner. */
export function sidecarSpec(
  settings: ServiceSettings,
  { ownerId, isOneOff }: SidecarPlace,
  image: SpecImage,
): ContainerSpec {
  const { project, service, memoryMb, bus } = settings;
  const environment = { ...settings.environment, IMAGE: image.name, MEMORY_LIMIT: `${memoryMb}m` };
  const flags = [
    ...['--network', `container:${ownerId}`],
    ...['--memory', `${memoryMb}m`, '--stop-timeout', String(Math.ceil(settings.stopTimeoutMs / 1_000))],
    ...userFlags(settings),
    ...environmentFlags(environment),
    ...settings.mounts.flatMap(mountFlags),
  ];
  // Compose stops dependent containers first. Without a file it knows the dependencies from labels alone.
  const dependsOn = [`${service}-network`, ...(bus === 'embedded' ? [busHost(project)] : [])];
  const hash = hashOf({ flags, image: image.id, texts: settings.mounts.map(({ text }) => text ?? '') });
  return {
    name: sidecarName(project, service),
    flags,
    labels: {
      ...ourLabels(project, { role: 'sidecar', madeBy: service }),
      [labels.bus]: bus,
      [composeLabels.project]: project,
      [composeLabels.service]: service,
      [composeLabels.oneOff]: isOneOff ? 'True' : 'False',
      [composeLabels.number]: '1',
      [composeLabels.configHash]: hash,
      [composeLabels.dependsOn]: dependsOn.map((name) => `${name}:service_started:false`).join(','),
    },
    image: image.name,
    command: [],
    furtherNetworks: [],
    hash,
  };
}

export interface SpecImage {
  readonly name: string;
  readonly id: string;
}

/** Any caller may register as any instance and use any topic; for a bus that only one project reaches. */
const openPolicy = (project: string): string =>
  JSON.stringify({
    deployment: project,
    rules: [{ principals: ['*'], instances: ['*'], pools: ['*'], publish: ['**'], subscribe: ['**'] }],
    admins: ['*'],
  });

/** The Bus API of a project. Its store is in the container, so it lives as long as the project is up. */
export function busSpec(settings: ServiceSettings, networks: readonly string[], image: SpecImage): ContainerSpec {
  const { project, service, policy } = settings;
  const [first = '', ...others] = networks;
  const policyFile = policy?.target ?? '/tmp/policy.yml';
  const serve = `exec meridian-sidecar bus --policy ${policyFile} --store /tmp/meridian-bus.sqlite --listen :8443`;
  const flags = [
    ...['--network', first, '--restart', 'on-failure', '--memory', '256m', '--no-healthcheck', '--entrypoint', 'sh'],
    ...userFlags(settings),
    ...(policy ? mountFlags(policy) : environmentFlags({ POLICY: openPolicy(project) })),
  ];
  return {
    name: busHost(project),
    flags,
    labels: {
      ...hiddenLabels({ project, service: busHost(project) }, { role: 'bus', madeBy: service }),
      [labels.policy]: policyMark(policy),
    },
    image: image.name,
    command: ['-c', policy ? serve : `printf %s "$POLICY" >${policyFile} && ${serve}`],
    furtherNetworks: others.map((network) => ({ network, aliases: [] })),
    hash: hashOf({ flags, image: image.id, policy: policyMark(policy) }),
  };
}

/** The label's value for a bus without a policy. */
export const openMark = 'open';

/** Identifies a policy by its text. */
export function policyMark(policy: Mount | undefined): string {
  return policy === undefined ? openMark : hashOf(policy.text ?? '');
}

function ourLabels(project: string, { role, madeBy }: { readonly role: Role; readonly madeBy: string }) {
  return { [labels.role]: role, [labels.project]: project, [labels.service]: madeBy };
}

/**
 * For containers that are not services of the file. As one-offs they are not orphans to Compose, which does not stop them, but
 * `docker compose -p PROJECT down` without a file removes them with everything else.
 */
function hiddenLabels(
  { project, service }: { readonly project: string; readonly service: string },
  ours: { readonly role: Role; readonly madeBy: string },
): Record<string, string> {
  return {
    ...ourLabels(project, ours),
    [composeLabels.project]: project,
    [composeLabels.service]: service,
    [composeLabels.oneOff]: 'True',
    [composeLabels.number]: '1',
    [composeLabels.configHash]: 'none',
  };
}

function userFlags({ user }: ServiceSettings): string[] {
  return user === undefined ? [] : ['--user', user];
}

function environmentFlags(environment: Readonly<Record<string, string>>): string[] {
  const names = Object.keys(environment).sort();
  return names.flatMap((name) => ['--env', `${name}=${environment[name]}`]);
}

function mountFlags({ source, target }: Mount): string[] {
  return ['--mount', `type=bind,${csvField(`source=${source}`)},target=${target},readonly`];
}

/** `--mount` reads CSV: a field with a comma or a quote is quoted. */
function csvField(field: string): string {
  return /[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}
