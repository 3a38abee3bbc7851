import { UserFacingError } from '../../base/user-facing-error.ts';
import { listOurs, roleOf } from '../engine/container.ts';
import type { SpecImage } from '../engine/container-spec.ts';
import { type Engine, identifyEngine, projectNetworks } from '../engine/engine.ts';
import { defaultImage, ensureImage } from '../image/image.ts';
import type { Invocation } from '../invocation/invocation.ts';
import { askServiceConfig, type ServiceConfig } from '../invocation/service-config.ts';
import { readServiceSettings, type ServiceSettings } from '../invocation/service-settings.ts';
import { type Provider, report } from '../provider.ts';
import { withLock } from '../state/lock.ts';
import { checkBusRuns, ensureBus, removeBusIfUnused } from './embedded-bus.ts';
import { checkPlugins, ensureNetworkOwner, findPlugins, type OwnerRequest } from './network-owner.ts';
import { startPluginsAgain } from './plugin-again.ts';
import { waitUntilReady } from './readiness.ts';
import { Rollback } from './rollback.ts';
import { ensureSidecar } from './sidecar-container.ts';

/** A build may have to download the base image. */
const imageTimeoutMs = 900_000;

/** `compose up`: ensures the network owner and the sidecar, and returns once the sidecar is ready. */
export async function up(provider: Provider, invocation: Invocation): Promise<void> {
  const config = await askServiceConfig({ ...provider, ...invocation });
  const settings = readServiceSettings(invocation, provider, config);
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
  const image = await findImage(provider, settings, engine);
  const entry = { engine: engine.id, endpoint: engine.endpoint, project: settings.project, service: settings.service };
  provider.state.write({ phase: 'creating', ...entry });
  const rollback = new Rollback(provider.log);
  try {
    const { ownerId, busIsOpen } = await bring(provider, {
      ...{ settings, engine, networks, image, ours, plugins, rollback },
    });
    report(provider, readyText(busIsOpen, config));
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

interface UpPlan extends OwnerRequest {
  readonly engine: Engine;
}

async function bring(provider: Provider, plan: UpPlan): Promise<{ ownerId: string; busIsOpen: boolean }> {
  const { settings, image, ours, rollback } = plan;
  let busIsOpen = false;
  if (settings.bus === 'embedded') {
    rollback.add('the embedded bus, if no sidecar uses it', () => removeBusIfUnused(provider, plan));
    busIsOpen = await ensureBus(provider, plan);
  }
  const owner = await ensureNetworkOwner(provider, plan);
  const sidecar = await ensureSidecar(provider, {
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
    hints: busHints(settings),
    checkOthers: async () => {
      if (settings.bus === 'embedded') await checkBusRuns(provider, settings.project);
    },
  });
  await sidecar.settle();
  if (sidecar.isReplacement) {
    await startPluginsAgain(
      provider,
      plan.plugins.filter(({ isRunning }) => isRunning),
    );
  }
  return { ownerId: owner.id, busIsOpen };
}

/** Compose keeps the last line beside the service. */
function readyText(busIsOpen: boolean, config: ServiceConfig | undefined): string {
  const notes = busIsOpen ? ['WARNING: bus without policy, open to every caller'] : [];
  const keys = config?.ineffective ?? [];
  if (keys.length > 0) notes.push(`without effect on a provider: ${keys.join(', ')}`);
  return notes.length === 0 ? 'ready' : `ready (${notes.join('; ')})`;
}

/** For a service that names no bus: its sidecar looks for the default one, which a project has only if somebody wrote it. */
function busHints({ bus, environment, mounts }: ServiceSettings): string[] {
  const mayNameBus = mounts.some(({ text }) => text?.includes('bus_api_url'));
  if (bus === 'embedded' || environment['SIDECAR_BUS_API_URL'] !== undefined || mayNameBus) return [];
  return ['Set the option `bus: embedded` for a bus of this project, or name yours with the option `bus-api-url`.'];
}

async function findImage(provider: Provider, { image, base }: ServiceSettings, engine: Engine): Promise<SpecImage> {
  const { docker, contextDir, wantedPlatform } = provider;
  const name = image ?? defaultImage;
  const say = (text: string): void => report(provider, text);
  // Not a project's lock: one build is enough for all services that start together.
  const lock = { state: provider.state, name: '.image', scheduler: provider.scheduler, timeoutMs: imageTimeoutMs };
  const id = await withLock({ ...lock, report: () => {} }, () =>
    ensureImage({
      docker,
      image: name,
      ...(base !== undefined && { base }),
      contextDir,
      enginePlatform: engine.platform,
      wantedPlatform,
      report: say,
    }),
  );
  return { name, id };
}

function checkVariables({ protocol }: Provider, { variables }: ServiceSettings): void {
  if (variables !== 'raw' || protocol.takes('rawsetenv')) return;
  throw new UserFacingError({
    id: 'compose/protocol/raw',
    found: 'this Compose takes no variables without a prefix',
    next: ['Remove the option `raw`, or use Compose 5.2 or later.'],
  });
}

/** Always the same bytes in the same order: another value makes Compose recreate the dependents. */
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
