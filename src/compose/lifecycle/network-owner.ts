import { UserFacingError } from '../../base/user-facing-error.ts';
import { type Container, composeLabels, joins, listContainers, removeContainer, roleOf } from '../engine/container.ts';
import { isMadeOf, ownerSpec, type SpecImage } from '../engine/container-spec.ts';
import { createContainer } from '../engine/create-container.ts';
import type { ServiceSettings } from '../invocation/service-settings.ts';
import { type Provider, report } from '../provider.ts';
import type { Rollback } from './rollback.ts';
import { drainAndRemove } from './sidecar-container.ts';

export interface OwnerRequest {
  readonly settings: ServiceSettings;
  readonly networks: readonly string[];
  readonly image: SpecImage;
  /** The provider's existing containers of the service. */
  readonly ours: readonly Container[];
  /** Other containers that have joined the network. */
  readonly plugins: readonly Container[];
  readonly rollback: Rollback;
}

export interface BroughtOwner {
  readonly id: string;
  /** `restarted`: it existed and did not run, so every container that had joined it has lost its network. */
  readonly became: 'kept' | 'restarted' | 'new';
}

/**
 * Replacing the network owner disconnects the plugin. It is replaced only if its spec changed, or if it stopped under a running
 * plugin, which Compose then recreates for the new generation.
 */
export async function ensureNetworkOwner(provider: Provider, request: OwnerRequest): Promise<BroughtOwner> {
  const { docker } = provider;
  const { settings, networks, image, ours, plugins, rollback } = request;
  const spec = ownerSpec(settings, networks, image.name);
  const current = ours.find((each) => roleOf(each) === 'network-owner');
  if (current?.isRunning && isMadeOf(current, spec)) return { id: current.id, became: 'kept' };
  if (current && isMadeOf(current, spec) && !plugins.some(({ isRunning }) => isRunning)) {
    await docker.run(['start', current.id]);
    return { id: current.id, became: 'restarted' };
  }
  if (current) report(provider, 'replacing the network, since networks, names or ports changed, or it was down');
  await drainAndRemove(provider, ours);
  const id = await createContainer(provider, spec);
  rollback.add('the owner of the network', () => removeContainer(docker, id));
  await docker.run(['start', id]);
  return { id, became: 'new' };
}

/** The containers that have joined the network, without the provider's own. */
export async function findPlugins(
  { docker }: Provider,
  project: string,
  ours: readonly Container[],
): Promise<Container[]> {
  const owner = ours.find((each) => roleOf(each) === 'network-owner');
  if (owner === undefined) return [];
  const all = await listContainers(docker, [`${composeLabels.project}=${project}`]);
  return all.filter((each) => joins(each, owner) && roleOf(each) === undefined && (each.isRunning || !isOneOff(each)));
}

/**
 * One sidecar serves one plugin. Any other container in its network could use the plugin's identity.
 * @throws UserFacingError `compose/plugin/several`.
 */
export function checkPlugins(service: string, plugins: readonly Container[]): void {
  if (plugins.length < 2) return;
  throw new UserFacingError({
    id: 'compose/plugin/several',
    found: `${plugins.length} containers share the network of ${service}: ${plugins.map(({ name }) => name).join(', ')}`,
    expected: 'A sidecar serves exactly one plugin.',
    next: ['Give each plugin a service of its own with this provider, and do not scale the plugin.'],
  });
}

function isOneOff(container: Container): boolean {
  return container.labels[composeLabels.oneOff] === 'True';
}
