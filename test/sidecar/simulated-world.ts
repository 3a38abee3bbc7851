import { silentLog } from '../../src/base/log/log.ts';
import { sleep } from '../../src/base/time/scheduler.ts';
import type { Policy } from '../../src/bus/access/policy.ts';
import { type RunningBus, serveBus } from '../../src/bus/serve-bus.ts';
import { MemoryStore } from '../../src/bus/store/in-memory/memory-store.ts';
import { loadSidecarConfig } from '../../src/contract/config/sidecar-config.ts';
import { patternProblem } from '../../src/contract/wire/topics/topic.ts';
import { Plugin } from '../../src/plugin/plugin.ts';
import { Sidecar } from '../../src/sidecar/sidecar.ts';
import { MortalNetwork } from '../../src/simulation/network/mortal-network.ts';
import { InProcessNetwork } from '../../src/simulation/network/network.ts';
import { VirtualScheduler } from '../../src/simulation/virtual-scheduler.ts';
import type { Network } from '../../src/transport/rpc.ts';

export const busAddress = 'bus-api:8443';

/** Everybody may be anything and do anything on `demo.**`. */
export const openPolicy: Policy = {
  deploymentId: 'simulated',
  rules: [
    {
      principals: ['*'],
      instances: ['*'],
      pools: ['*'],
      grants: [
        { pattern: 'demo.**', action: 'publish' },
        { pattern: 'demo.**', action: 'subscribe' },
      ],
    },
  ],
};

/** A bus, and sidecars with their plugins, on one virtual clock and one network inside the process. */
export class SimulatedWorld {
  readonly scheduler: VirtualScheduler;
  readonly network: InProcessNetwork;
  #nextPort = 9191;

  constructor(seed: number) {
    this.scheduler = new VirtualScheduler(seed);
    this.network = new InProcessNetwork(this.scheduler, { latency: { minMs: 0, maxMs: 20 } });
  }

  /** A bus with a store of its own, unless it is given the one that an earlier bus has left. */
  startBus(
    policy: Policy = openPolicy,
    store = this.createStore(),
    leaseMs = 10_000,
    address = busAddress,
  ): Promise<RunningBus> {
    return serveBus({
      network: this.network,
      address,
      store,
      policy,
      leaseMs,
      scheduler: this.scheduler,
      log: silentLog,
    });
  }

  createStore(): MemoryStore {
    return new MemoryStore({ scheduler: this.scheduler });
  }

  /** A sidecar that is not started yet, and the address its plugin will find it at. */
  createSidecar(
    environment: Record<string, string>,
    network: Network = this.network,
  ): { sidecar: Sidecar; address: string } {
    const address = environment.SIDECAR_ADDR ?? `127.0.0.1:${this.#nextPort++}`;
    const config = loadSidecarConfig({
      environment: { POOL_TYPE: 'SignalPool', SIDECAR_ADDR: address, SIDECAR_HEALTH_ADDR: ':0', ...environment },
      checkPattern: patternProblem,
      startedAtMs: Number(this.scheduler.wallTimeNs() / 1_000_000n),
    });
    const sidecar = new Sidecar({
      config,
      network,
      scheduler: this.scheduler,
      log: silentLog,
      serveHttp: async (listen) => ({ port: listen.port, close: async () => {} }),
      readCredential: async () => ({}),
    });
    return { sidecar, address };
  }

  connectPlugin(address: string, network: Network = this.network, schemaVersion = '1.0.0'): Promise<Plugin> {
    return Plugin.connect({
      network,
      scheduler: this.scheduler,
      log: silentLog,
      address,
      schemaVersion,
      waitTimeoutMs: 60_000,
    });
  }

  /** A plugin that can be killed. */
  async connectMortalPlugin(address: string): Promise<{ plugin: Plugin; kill: () => void }> {
    const network = new MortalNetwork(this.network);
    return { plugin: await this.connectPlugin(address, network), kill: () => network.kill() };
  }

  /** Waits in virtual time until the condition holds. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await sleep(this.scheduler, 10);
  }

  /** Runs virtual time until the work is done. */
  run<T>(work: Promise<T>): Promise<T> {
    return this.scheduler.run(work);
  }
}

/** Runs a story in a world of its own whose bus is up. */
export async function inWorld(story: (world: SimulatedWorld) => Promise<void>, seed = 1): Promise<void> {
  const world = new SimulatedWorld(seed);
  const run = async (): Promise<void> => {
    await world.startBus();
    await story(world);
  };
  await world.run(run());
}
