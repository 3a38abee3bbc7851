import { UserFacingError } from '../../base/user-facing-error.ts';
import { type Container, labels, listOurs, removeContainer, roleOf, stopContainer } from '../engine/container.ts';
import { busSpec, isMadeOf, openMark, policyMark, type SpecImage } from '../engine/container-spec.ts';
import { createContainer } from '../engine/create-container.ts';
import type { Engine } from '../engine/engine.ts';
import type { ServiceSettings } from '../invocation/service-settings.ts';
import { type Provider, report } from '../provider.ts';
import { withLock } from '../state/lock.ts';
import { lastLines } from './readiness.ts';

export interface BusRequest {
  readonly settings: ServiceSettings;
  readonly engine: Engine;
  readonly networks: readonly string[];
  readonly image: SpecImage;
}

const lockTimeoutMs = 60_000;

/**
 * Ensures that the project's bus runs, on every network of this service. The service that created it may change it. The others
 * use it as it is, but may add a policy if it has none.
 * @returns whether it is open to every caller, since no service named a policy.
 * @throws UserFacingError `compose/bus/two-policies`.
 */
export async function ensureBus(provider: Provider, request: BusRequest): Promise<boolean> {
  return await withProjectLock(provider, request.settings.project, async () => {
    const { docker } = provider;
    const { settings, networks } = request;
    const current = await findBus(provider, settings.project);
    const spec = busSpec(settings, networks, request.image);
    if (current && !mustReplace(current, settings, isMadeOf(current, spec))) {
      if (!current.isRunning) await docker.run(['start', current.id]);
      await joinNetworks(
        provider,
        current.id,
        networks.filter((each) => !current.networks.includes(each)),
      );
      return current.labels[labels.policy] === openMark;
    }
    if (current) {
      report(provider, 'replacing the embedded bus, since its policy, its networks or its image changed');
      await stopContainer(docker, current.id);
      await removeContainer(docker, current.id);
    }
    if (settings.policy === undefined) {
      report(
        provider,
        'WARNING: the embedded bus has no policy: every caller may register as any instance and use every topic',
      );
    }
    const id = await createContainer(provider, spec);
    await joinNetworks(provider, id, current?.networks.filter((each) => !networks.includes(each)) ?? []);
    await docker.run(['start', id]);
    return settings.policy === undefined;
  });
}

async function joinNetworks({ docker }: Provider, id: string, networks: readonly string[]): Promise<void> {
  for (const network of networks) await docker.run(['network', 'connect', network, id]);
}

function mustReplace(bus: Container, { service, policy }: ServiceSettings, isSame: boolean): boolean {
  const madeBy = bus.labels[labels.service] ?? '';
  const itsPolicy = bus.labels[labels.policy];
  if (policy && itsPolicy !== openMark && itsPolicy !== policyMark(policy) && madeBy !== service) {
    throw twoPolicies(service, madeBy);
  }
  return madeBy === service ? !isSame : policy !== undefined && itsPolicy === openMark;
}

/** The bus is removed with the last service that uses it. */
export async function removeBusIfUnused(
  provider: Provider,
  { settings: { project, service }, engine }: Pick<BusRequest, 'engine'> & { readonly settings: BusUser },
): Promise<void> {
  await withProjectLock(provider, project, async () => {
    const bus = await findBus(provider, project);
    if (bus === undefined || (await hasOtherUsers(provider, { project, service, engine }))) return;
    await stopContainer(provider.docker, bus.id);
    await removeContainer(provider.docker, bus.id);
  });
}

type BusUser = Pick<ServiceSettings, 'project' | 'service'>;

async function hasOtherUsers(
  { docker, state }: Provider,
  { project, service, engine }: BusUser & { readonly engine: Engine },
): Promise<boolean> {
  const sidecars = (await listOurs(docker, project)).filter(
    (each) => roleOf(each) === 'sidecar' && each.labels[labels.bus] === 'embedded',
  );
  if (sidecars.length > 0) return true;
  // Another service may be starting: it has written its entry, and holds its lock.
  const others = state.allEntries().filter((entry) => entry.engine === engine.id && entry.project === project);
  return others.some((entry) => {
    if (entry.service === service || entry.phase !== 'creating') return false;
    const release = state.tryLock(serviceLock(entry));
    release?.();
    return release === undefined;
  });
}

/** The name of the lock for work on one service. */
export function serviceLock({ project, service }: BusUser): string {
  return `${project}/${service}`;
}

async function findBus({ docker }: Provider, project: string): Promise<Container | undefined> {
  return (await listOurs(docker, project)).find((each) => roleOf(each) === 'bus');
}

function withProjectLock<T>(provider: Provider, project: string, work: () => Promise<T>): Promise<T> {
  const { state, scheduler } = provider;
  const say = (text: string): void => provider.log.debug(text);
  // Not the name of a service's lock: a project's name contains no dot.
  return withLock({ state, name: `${project}.bus`, scheduler, timeoutMs: lockTimeoutMs, report: say }, work);
}

/** @throws UserFacingError `compose/bus/ended` when the bus does not run, for example because it cannot read its policy. */
export async function checkBusRuns(provider: Provider, project: string): Promise<void> {
  const bus = await findBus(provider, project);
  if (bus === undefined || bus.state === 'running') return;
  throw new UserFacingError({
    id: 'compose/bus/ended',
    found: `the embedded bus does not run: ${await lastLines(provider.docker, bus.id)}`,
    next: ['Correct what it names, and try again.'],
  });
}

function twoPolicies(service: string, madeBy: string): UserFacingError {
  return new UserFacingError({
    id: 'compose/bus/two-policies',
    found: `the services ${madeBy} and ${service} name different policies for the embedded bus`,
    expected: 'A project has one embedded bus, with one policy.',
    next: ['Name the same file in both, or name it in one of them.'],
  });
}
