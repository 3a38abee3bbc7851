import { sampleSum, scrape } from '../../sidecar/metrics/exposition.ts';
import type { RunningProgram, RunningSidecar } from '../../sidecar/processes.ts';
import { BarePlugin } from '../bare-plugin.ts';
import type { Load } from '../generator/h2load.ts';
import { MeasuredLoad } from '../generator/measured-load.ts';
import { requestBodies, streamMessages } from '../generator/request-bodies.ts';
import { startShippedBus, startShippedSidecar } from './shipped.ts';

const inFlight = 64;

/** A bus, a sidecar, and a plugin that is registered and does nothing by itself. */
export class SidecarLine {
  readonly bus: RunningProgram;
  readonly sidecar: RunningSidecar;
  readonly plugin: BarePlugin;

  private constructor(bus: RunningProgram, sidecar: RunningSidecar, plugin: BarePlugin) {
    this.bus = bus;
    this.sidecar = sidecar;
    this.plugin = plugin;
  }

  static async start(store?: string): Promise<SidecarLine> {
    const bus = await startShippedBus(store);
    const sidecar = await startShippedSidecar(bus.address);
    return new SidecarLine(bus, sidecar, await BarePlugin.connect(sidecar.address));
  }

  /** Another plugin of the same bus, with its own sidecar. */
  async another(instanceId: string, poolType = 'OMSPool'): Promise<BarePlugin> {
    const environment = { INSTANCE_ID: instanceId, POOL_TYPE: poolType };
    return BarePlugin.connect((await startShippedSidecar(this.bus.address, environment)).address);
  }

  load(path: string, bodyFile: string): Load {
    return { address: this.sidecar.address, path, bodyFile, inFlight };
  }

  /** Publishes, one message a call. */
  publishes(): MeasuredLoad {
    return new MeasuredLoad(this.load(paths.publish, requestBodies.publish()), {
      pids: this.pids,
      done: () => this.accepted(),
    });
  }

  /** Publishes on streams, so many messages in a batch. */
  streamedPublishes(batch: number, arrived?: (count: number) => Promise<unknown>): MeasuredLoad {
    // Two streams, so that one goes on while the last answers of the other are on their way.
    const load = { ...this.load(paths.publishStream, requestBodies.publishes(batch)), inFlight: 2 };
    return new MeasuredLoad(load, {
      pids: this.pids,
      perRequest: streamMessages,
      done: () => this.accepted(),
      ...(arrived && { arrived }),
    });
  }

  get pids(): readonly number[] {
    return [this.sidecar.program.pid, this.bus.program.pid];
  }

  /** How many publishes were accepted so far, by the sidecar's own count. @throws Error when one was not. */
  async accepted(): Promise<number> {
    return this.#counted('meridian_sidecar_publishes_total', 'accepted');
  }

  /** How many calls were answered so far. @throws Error when one was not. */
  async answered(): Promise<number> {
    return this.#counted('meridian_sidecar_calls_total', 'answered');
  }

  async #counted(metric: string, outcome: string): Promise<number> {
    const metrics = await scrape(this.sidecar.healthUrl);
    const good = sampleSum(metrics, metric, { outcome }) ?? 0;
    const all = sampleSum(metrics, metric) ?? 0;
    if (good !== all) throw new Error(`${all - good} of ${all} were not ${outcome}`);
    return good;
  }
}

export const paths = {
  publish: '/meridian.v1.SidecarService/Publish',
  call: '/meridian.v1.SidecarService/Call',
  heartbeat: '/meridian.v1.SidecarService/Heartbeat',
  publishStream: '/meridian.sidecar.v1.PluginService/Publish',
} as const;
