import { type Docker, dockerRefused } from './docker.ts';

/** The purpose of a container of the provider. */
export type Role = 'network-owner' | 'sidecar' | 'bus';

/** The labels by which the provider finds its containers. */
export const labels = {
  role: 'dev.meridian.role',
  project: 'dev.meridian.project',
  /** The service of the Compose file; of a bus: the service that created it. */
  service: 'dev.meridian.service',
  /** Hash of all settings that the container was made of. */
  spec: 'dev.meridian.spec',
  /** Of a sidecar: `given` or `embedded`. */
  bus: 'dev.meridian.bus',
  /** Of a bus: hash of its policy, or `open`. */
  policy: 'dev.meridian.policy',
} as const;

/** Compose's own labels; because of them `docker compose ps`, `logs`, `exec` and `restart` see a container. */
export const composeLabels = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  oneOff: 'com.docker.compose.oneoff',
  number: 'com.docker.compose.container-number',
  configHash: 'com.docker.compose.config-hash',
  dependsOn: 'com.docker.compose.depends_on',
  network: 'com.docker.compose.network',
} as const;

/** A container as the engine shows it. */
export interface Container {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `created`, `running`, `restarting`, `exited`, …  */
  readonly state: string;
  readonly isRunning: boolean;
  readonly createdAt: string;
  readonly restartPolicy: string;
  readonly networkMode: string;
  /** Names of the networks it is connected to. */
  readonly networks: readonly string[];
  /** Published while it runs, as the option `publish` writes them: `[address:]port:port[/udp]`. */
  readonly ports: readonly string[];
}

export function roleOf(container: Container): Role | undefined {
  return container.labels[labels.role] as Role | undefined;
}

/** Containers that have every one of the labels, `name=value` or `name`, running or not. */
export async function listContainers(docker: Docker, wanted: readonly string[]): Promise<Container[]> {
  const filters = wanted.flatMap((label) => ['--filter', `label=${label}`]);
  const ids = await docker.run(['ps', '--all', '--quiet', '--no-trunc', ...filters]);
  return ids === '' ? [] : await inspect(docker, ids.split(/\s+/));
}

/** The container of that name, also when the provider did not create it. */
export async function findContainer(docker: Docker, name: string): Promise<Container | undefined> {
  return (await inspect(docker, [name])).find((each) => each.name === name);
}

/** The provider's containers, of one service or of the whole project. */
export function listOurs(docker: Docker, project: string, service?: string): Promise<Container[]> {
  const ofService = service === undefined ? [] : [`${labels.service}=${service}`];
  return listContainers(docker, [`${labels.project}=${project}`, ...ofService]);
}

/** Whether a container shares the network of the network owner. */
export function joins(container: Container, owner: Container): boolean {
  return joinsId(container, owner.id) || joinsId(container, owner.name);
}

/** The engine stores the name or the id, as the container was created; the provider uses the id. */
export function joinsId(container: Container, idOrName: string): boolean {
  return container.networkMode === `container:${idOrName}`;
}

/** Leaves out a container that was removed since it was listed. */
async function inspect(docker: Docker, idsOrNames: readonly string[]): Promise<Container[]> {
  const { stdout } = await docker.call(['inspect', '--type', 'container', ...idsOrNames]);
  const found = JSON.parse(stdout.trim() === '' ? '[]' : stdout) as readonly InspectedContainer[];
  return found.map(({ Id, Name, State, Config, Created, HostConfig, NetworkSettings }) => ({
    id: Id,
    name: Name.replace(/^\//, ''),
    labels: Config.Labels ?? {},
    state: State.Status,
    isRunning: State.Running,
    createdAt: Created,
    restartPolicy: HostConfig.RestartPolicy?.Name ?? 'no',
    networkMode: HostConfig.NetworkMode,
    networks: Object.keys(NetworkSettings.Networks ?? {}),
    ports: portsIn(NetworkSettings.Ports ?? {}),
  }));
}

function portsIn(published: PublishedPorts): string[] {
  const ports = Object.entries(published).flatMap(([inside, places]) =>
    (places ?? []).map(({ HostIp, HostPort }) => {
      // The engine tells a port on every address twice, for IPv4 and for IPv6.
      const address = ['', '0.0.0.0', '::'].includes(HostIp) ? '' : `${HostIp}:`;
      return `${address}${HostPort}:${inside.replace(/\/tcp$/, '')}`;
    }),
  );
  return [...new Set(ports)].sort();
}

type PublishedPorts = Readonly<
  Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>
>;

interface InspectedContainer {
  readonly Id: string;
  readonly Name: string;
  readonly Created: string;
  readonly State: { readonly Status: string; readonly Running: boolean };
  readonly Config: { readonly Labels: Readonly<Record<string, string>> | null };
  readonly HostConfig: { readonly NetworkMode: string; readonly RestartPolicy?: { readonly Name: string } };
  readonly NetworkSettings: {
    readonly Networks: Readonly<Record<string, unknown>> | null;
    readonly Ports?: PublishedPorts | null;
  };
}

/** Removes a container, running or not; does nothing when it does not exist any more. */
export async function removeContainer(docker: Docker, id: string): Promise<void> {
  await tolerating(docker, ['rm', '--force', '--volumes', id]);
}

/** Stops a container by SIGTERM, with time to end; does nothing when it does not exist any more. */
export async function stopContainer(docker: Docker, id: string, timeoutMs?: number): Promise<void> {
  const time = timeoutMs === undefined ? [] : ['-t', String(Math.ceil(timeoutMs / 1_000))];
  await tolerating(docker, ['stop', ...time, id]);
}

async function tolerating(docker: Docker, args: readonly string[]): Promise<void> {
  const outcome = await docker.call(args);
  const isGone = /no such container|already in progress/i.test(outcome.stderr);
  if (outcome.exitCode !== 0 && !isGone) throw dockerRefused(args, outcome);
}
