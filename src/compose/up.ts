import { UserFacingError } from '../base/user-facing-error.ts';
import {
  type Container,
  composeLabels,
  joins,
  listContainers,
  listOurs,
  removeContainer,
  roleOf,
} from './container.ts';
import { isMadeOf, ownerSpec, type SpecImage } from './container-spec.ts';
import { createContainer } from './create-container.ts';
import { checkBusRuns, ensureBus, removeBusIfUnused } from './embedded-bus.ts';
import { type Engine, identifyEngine, projectNetworks } from './engine.ts';
import { defaultImage, ensureImage } from './image.ts';
import type { Invocation } from './invocation.ts';
import { withLock } from './lock.ts';
import { type Provider, report } from './provider.ts';
import { waitUntilReady } from './readiness.ts';
import { Rollback } from './rollback.ts';
import { readServiceSettings, type ServiceSettings } from './service-settings.ts';
import { bringSidecar, drainAndRemove } from './sidecar-container.ts';

/** Building it may have to download its base. */
const imageTimeoutMs = 900_000;

/** `compose up`: brings network owner and sidecar about, and returns once the sidecar is ready. */
export async function up(provider: Provider, invocation: Invocation): Promise<void> {
  const settings = readServiceSettings(invocation, provider);
  checkVariables(provider, settings);
  const engine = await identifyEngine(provider.docker);
  const networks = await projectNetworks({
    docker: provider.docker,
    engine,
    project: settings.project,
    names: settings.networks,
  });
  const ours = await listOurs(provider.docker, settings.project, settings.service);
  const plugins = await findPlugins(provider, settings.project, ours);
  checkPlugins(settings.service, plugins);
  const image = await findImage(provider, settings);
  const entry = { engine: engine.id, endpoint: engine.endpoint, project: settings.project, service: settings.service };
  provider.state.write({ phase: 'creating', ...entry });
  const rollback = new Rollback(provider.log);
  try {
    const ownerId = await bring(provider, { settings, engine, networks, image, ours, plugins, rollback });
    provider.state.write({ phase: 'up', ...entry });
    tellVariables(provider, settings, ownerId);
  } catch (error) {
    report(provider, 'rolling back');
    await rollback.run();
    const left = await listOurs(provider.docker, settings.project, settings.service).catch(() => ours);
    if (left.length === 0) provider.state.forget(entry);
    throw error;
  }
}

interface UpPlan {
  readonly settings: ServiceSettings;
  readonly engine: Engine;
  readonly networks: readonly string[];
  readonly image: SpecImage;
  /** What was there before. */
  readonly ours: readonly Container[];
  readonly plugins: readonly Container[];
  readonly rollback: Rollback;
}

/** @returns the id of the network's owner. */
async function bring(provider: Provider, plan: UpPlan): Promise<string> {
  const { settings, image, ours, rollback } = plan;
  if (settings.bus === 'embedded') {
    rollback.add('the embedded bus, if nobody uses it', () => removeBusIfUnused(provider, plan));
    await ensureBus(provider, plan);
  }
  const owner = await bringOwner(provider, plan);
  const sidecar = await bringSidecar(provider, {
    settings,
    image,
    ownerId: owner.id,
    ownerRestarted: owner.became === 'restarted',
    existing: owner.became === 'new' ? [] : ours.filter((each) => roleOf(each) === 'sidecar'),
    rollback,
  });
  await waitUntilReady(provider, {
    ownerId: owner.id,
    sidecarId: sidecar.id,
    timeoutMs: settings.timeoutMs,
    checkOthers: async () => {
      if (settings.bus === 'embedded') await checkBusRuns(provider, settings.project);
    },
  });
  await sidecar.settle();
  const openBus = settings.bus === 'embedded' && settings.policy === undefined;
  report(provider, openBus ? 'ready (WARNING: bus without policy, open to every caller)' : 'ready');
  return owner.id;
}

interface BroughtOwner {
  readonly id: string;
  /** `restarted`: it was there and not running, so that whatever had joined it has lost its network. */
  readonly became: 'kept' | 'restarted' | 'new';
}

/**
 * A new owner costs the plugin its network, so it is only for one that was made of something else, or that went down under
 * a running plugin, which Compose then creates anew for its new generation.
 */
async function bringOwner(provider: Provider, plan: UpPlan): Promise<BroughtOwner> {
  const { docker } = provider;
  const { settings, networks, image, ours, plugins, rollback } = plan;
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

async function findImage(provider: Provider, { image, base }: ServiceSettings): Promise<SpecImage> {
  const { docker, contextDir } = provider;
  const name = image ?? defaultImage;
  const say = (text: string): void => report(provider, text);
  // Of no project: building it once is enough for all services that begin together.
  const lock = { state: provider.state, name: '.image', scheduler: provider.scheduler, timeoutMs: imageTimeoutMs };
  const id = await withLock({ ...lock, report: () => {} }, () =>
    ensureImage({ docker, image: name, ...(base !== undefined && { base }), contextDir, report: say }),
  );
  return { name, id };
}

/** The containers that have joined the network, beside ours. */
async function findPlugins({ docker }: Provider, project: string, ours: readonly Container[]): Promise<Container[]> {
  const owner = ours.find((each) => roleOf(each) === 'network-owner');
  if (owner === undefined) return [];
  const all = await listContainers(docker, [`${composeLabels.project}=${project}`]);
  return all.filter((each) => joins(each, owner) && roleOf(each) === undefined && (each.isRunning || !isOneOff(each)));
}

/** One sidecar speaks for one plugin, so that whoever else joins its network would speak in the plugin's name. */
function checkPlugins(service: string, plugins: readonly Container[]): void {
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

function checkVariables({ protocol }: Provider, { variables }: ServiceSettings): void {
  if (variables !== 'raw' || protocol.takes('rawsetenv')) return;
  throw new UserFacingError({
    id: 'compose/protocol/raw',
    found: 'this Compose takes no variables without a prefix',
    next: ['Remove the option `raw`, or use Compose 5.2 or later.'],
  });
}

/** The same bytes in the same order each time: another value makes Compose create dependents anew. */
function tellVariables({ protocol }: Provider, settings: ServiceSettings, ownerId: string): void {
  const { variables, pluginAddress } = settings;
  if (variables === 'none') return;
  if (variables === 'prefixed') {
    protocol.setenv('ADDR', pluginAddress);
    protocol.setenv('GENERATION', ownerId);
    return;
  }
  protocol.setenv('SIDECAR_ADDR', pluginAddress, { raw: true });
  protocol.setenv('MERIDIAN_SIDECAR_ADDRESS', pluginAddress, { raw: true });
  protocol.setenv('SIDECAR_GENERATION', ownerId, { raw: true });
}
