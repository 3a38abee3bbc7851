import { type Container, joinsId, removeContainer, roleOf, stopContainer } from '../engine/container.ts';
import { isMadeOf, type SpecImage, sidecarSpec } from '../engine/container-spec.ts';
import { createContainer } from '../engine/create-container.ts';
import type { ServiceSettings } from '../invocation/service-settings.ts';
import { previousName, sidecarName } from '../names.ts';
import { type Provider, report } from '../provider.ts';
import type { Rollback } from './rollback.ts';

export interface SidecarRequest {
  readonly settings: ServiceSettings;
  readonly image: SpecImage;
  readonly ownerId: string;
  /** A running sidecar has then lost its network. */
  readonly ownerRestarted: boolean;
  /** The existing sidecars: the current one, one that it replaced before it was ready, or both. */
  readonly existing: readonly Container[];
  readonly rollback: Rollback;
}

export interface BroughtSidecar {
  readonly id: string;
  /** It replaces one that has drained. */
  readonly isReplacement: boolean;
  /** Called once the sidecar is ready: the engine restarts it after that, and the replaced one is removed. */
  readonly settle: () => Promise<void>;
}

/**
 * Starts the sidecar with these settings in the network owner's network. An existing one drains first, and is restored when the
 * new one does not become ready.
 */
export async function ensureSidecar(provider: Provider, request: SidecarRequest): Promise<BroughtSidecar> {
  const { docker } = provider;
  const { settings, ownerId, existing, rollback } = request;
  const isOneOff = provider.protocol.removesServiceContainers;
  const spec = sidecarSpec(settings, { ownerId, isOneOff }, request.image);
  const { project, service } = settings;
  const current = existing.find(({ name }) => name === sidecarName(project, service));
  const previous = existing.find(({ name }) => name === previousName(project, service));
  if (current && isMadeOf(current, spec)) {
    const { isRunning } = current;
    if (isRunning && request.ownerRestarted) await stopContainer(docker, current.id);
    if (!isRunning || request.ownerRestarted) await docker.run(['start', current.id]);
    return { id: current.id, isReplacement: false, settle: () => settle(provider, current, previous) };
  }
  const replaced = await setAside(provider, request, current, previous);
  if (replaced) {
    rollback.add('the replacement of the sidecar', async () => {
      await docker.run(['rename', replaced.id, spec.name]);
      await docker.run(['start', replaced.id]);
    });
  }
  const id = await createContainer(provider, spec);
  rollback.add('the sidecar', async () => {
    await keepLog(provider, id);
    await removeContainer(docker, id);
  });
  await docker.run(['start', id]);
  return {
    id,
    isReplacement: replaced !== undefined,
    settle: () => settle(provider, { id, restartPolicy: 'no' }, replaced),
  };
}

/** Drains the current sidecar and frees its name. @returns the container to restore later, if there is one. */
async function setAside(
  provider: Provider,
  { settings, ownerId }: SidecarRequest,
  current: Container | undefined,
  previous: Container | undefined,
): Promise<Container | undefined> {
  const { docker } = provider;
  if (current === undefined) return previous;
  // If a previous one exists beside it, the current one was never ready.
  const isProven = previous === undefined && joinsId(current, ownerId);
  if (!isProven) {
    await removeContainer(docker, current.id);
    return previous;
  }
  report(provider, 'replacing the sidecar, since its options or its image changed');
  await stopContainer(docker, current.id);
  await docker.run(['rename', current.id, previousName(settings.project, settings.service)]);
  return current;
}

async function settle(
  { docker }: Provider,
  { id, restartPolicy }: Pick<Container, 'id' | 'restartPolicy'>,
  replaced: Container | undefined,
): Promise<void> {
  // Not before: a sidecar that cannot start must end, so that its error is shown.
  if (restartPolicy !== 'on-failure') await docker.run(['update', '--restart', 'on-failure', id]);
  if (replaced) await removeContainer(docker, replaced.id);
}

/** Writes the container's last lines into the provider's log, since the engine deletes them with the container. */
async function keepLog({ docker, log }: Provider, id: string): Promise<void> {
  const { stdout, stderr } = await docker.call(['logs', '--tail', '200', id]);
  for (const line of `${stdout}${stderr}`.split('\n').filter((each) => each !== '')) log.info(`sidecar: ${line}`);
}

/** Removes the network owner and the sidecars, each sidecar once it has drained. */
export async function drainAndRemove(
  { docker }: Pick<Provider, 'docker'>,
  ours: readonly Container[],
  stopTimeoutMs?: number,
): Promise<void> {
  const sidecars = ours.filter((each) => roleOf(each) === 'sidecar');
  for (const { id, isRunning } of sidecars) {
    if (isRunning) await stopContainer(docker, id, stopTimeoutMs);
    await removeContainer(docker, id);
  }
  for (const each of ours) if (roleOf(each) === 'network-owner') await removeContainer(docker, each.id);
}
