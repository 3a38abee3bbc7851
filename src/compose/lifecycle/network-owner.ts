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
  /** Our containers of the service that are there. */
  readonly ours: readonly Container[];
  /** Those that have joined its network, beside ours. */
  readonly plugins: readonly Container[];
  readonly rollback: Rollback;
}

export interface BroughtOwner {
  readonly id: string;
  /** `restarted`: it was there and not running, so that whatever had joined it has lost its network. */
  readonly became: 'kept' | 'restarted' | 'new';
}

/**
 * A new owner costs the plugin its network, so it is only for one that was made of something else, or that went down under
 * a running plugin, which Compose then creates anew for its new generation.
 */
export async function bringOwner(provider: Provider, request: OwnerRequest): Promise<BroughtOwner> {
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

/** The containers that have joined the network, beside ours. */
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
 * One sidecar speaks for one plugin, so that whoever else joins its network would speak in the plugin's name.
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
