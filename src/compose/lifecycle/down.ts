import { parseDurationMs } from '../../base/time/duration.ts';
import { UserFacingError } from '../../base/user-facing-error.ts';
import { listOurs, roleOf, stopContainer } from '../engine/container.ts';
import { type Engine, identifyEngine } from '../engine/engine.ts';
import type { Invocation } from '../invocation/invocation.ts';
import { type Provider, report } from '../provider.ts';
import { removeBusIfUnused } from './embedded-bus.ts';
import { drainAndRemove } from './sidecar-container.ts';

/** `compose down`: removes everything of the service. It knows only the names of project and service. */
export async function down(provider: Provider, invocation: Invocation): Promise<void> {
  const { project, service } = invocation;
  const engine = await identifyEngine(provider.docker);
  const ours = await listOurs(provider.docker, project, service);
  const containers = ours.filter((each) => roleOf(each) !== 'bus');
  if (containers.length === 0) checkElsewhere(provider, { engine, project, service });
  const entry = { engine: engine.id, endpoint: engine.endpoint, project, service };
  provider.state.write({ phase: 'removing', ...entry });
  if (containers.length > 0) report(provider, 'draining and removing the sidecar');
  await drainAndRemove(provider, containers, stopTimeoutOf(invocation));
  await removeBusIfUnused(provider, { settings: { project, service }, engine });
  provider.state.forget(entry);
  report(provider, containers.length > 0 ? 'removed' : 'there was nothing to remove');
}

/**
 * `compose stop`: drains the sidecar and stops it. The network owner and the bus stay: on `docker compose start` Compose does
 * not call the provider, and the sidecar needs both.
 */
export async function stop(provider: Provider, invocation: Invocation): Promise<void> {
  const { docker, protocol } = provider;
  const ours = await listOurs(docker, invocation.project, invocation.service);
  for (const each of ours) {
    if (roleOf(each) !== 'sidecar' || !each.isRunning) continue;
    report(provider, 'draining the sidecar');
    await stopContainer(docker, each.id, stopTimeoutOf(invocation));
  }
  // Such a Compose does not start a one-off again.
  report(provider, protocol.removesServiceContainers ? 'stopped; `up` starts it again, `start` does not' : 'stopped');
}

/** Undefined, also for an unreadable value: then the container's own timeout applies. */
function stopTimeoutOf({ options }: Invocation): number | undefined {
  return parseDurationMs(options.get('stop-timeout')?.[0] ?? '');
}

interface Place {
  readonly engine: Engine;
  readonly project: string;
  readonly service: string;
}

/** @throws UserFacingError `compose/engine/other` when the service was started on an engine at another endpoint. */
function checkElsewhere({ state }: Provider, { engine, project, service }: Place): void {
  for (const entry of state.entries({ project, service })) {
    if (entry.engine === engine.id) continue;
    if (entry.endpoint !== engine.endpoint) throw otherEngine(entry.endpoint, engine, `${project}/${service}`);
    // The engine at this endpoint was reinstalled, and its containers are gone.
    state.forget(entry);
  }
}

function otherEngine(endpoint: string, engine: Engine, what: string): UserFacingError {
  return new UserFacingError({
    id: 'compose/engine/other',
    found: `${what} was started on the engine at ${endpoint}, and this call uses the engine at ${engine.endpoint}`,
    expected: 'Compose passes neither -H nor --context to a provider.',
    next: [
      'Set DOCKER_HOST or DOCKER_CONTEXT instead, or remove it from that engine with `meridian-sidecar compose gc`.',
    ],
  });
}
