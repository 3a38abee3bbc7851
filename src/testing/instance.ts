import { within } from '../base/async/within.ts';
import { realScheduler } from '../base/time/real-scheduler.ts';
import { messageOf } from '../base/user-facing-error.ts';
import { loadSidecarConfig } from '../contract/config/sidecar-config.ts';
import { patternProblem } from '../contract/wire/topics/topic.ts';
import { checkMembers } from '../plugin/arguments.ts';
import { type Log, Plugin } from '../plugin/index.ts';
import type { SidecarState } from '../sidecar/lifecycle/sidecar-state.ts';
import { Sidecar } from '../sidecar/sidecar.ts';
import { MortalNetwork } from '../simulation/network/mortal-network.ts';
import { type Grants, grantKinds } from './options.ts';
import type { PlatformTime } from './platform-time.ts';
import { TestKitError } from './test-kit-error.ts';

/** How a stop went. */
export interface StopOutcome {
  /** The exit code that the sidecar's process would have: 0, or 74 when the plugin did not drain in time or outcomes are unknown. */
  readonly exitCode: number;
  /** How long the stop took, by the platform's time. */
  readonly elapsedMs: number;
}

/** What an instance needs of its platform. */
export interface Surroundings {
  readonly time: PlatformTime;
  readonly log: Log;
  readonly busAddress: string;
  /** Orders the starts of one instance while time stands still. */
  readonly startNumber: number;
  loadState(instanceId: string): Promise<Uint8Array | undefined>;
  setGrants(instanceId: string, grants: Grants): void;
}

interface ConnectedPlugin {
  readonly plugin: Plugin;
  readonly network: MortalNetwork;
}

const waitTimeoutMs = 60_000;
/** More than the 8 s that a stop may take; on virtual time, for plugins that wait for something real. */
const closeTimeoutMs = { real: 9_000, virtual: 1_000 };

/** A sidecar of the platform, and the plugins that are connected to it. */
export class TestInstance {
  /** Who its plugin is. */
  readonly instanceId: string;
  /**
   * The variables that a plugin's process gets, such as SIDECAR_ADDR. They are of use on real time: on virtual time no other process
   * reaches the sidecar.
   */
  readonly environment: Readonly<Record<string, string>>;
  readonly #around: Surroundings;
  readonly #sidecar: Sidecar;
  readonly #network: MortalNetwork;
  readonly #plugins: ConnectedPlugin[] = [];
  #ending: Promise<unknown> | undefined;

  private constructor(
    around: Surroundings,
    started: { sidecar: Sidecar; network: MortalNetwork; environment: Record<string, string>; instanceId: string },
  ) {
    this.#around = around;
    this.#sidecar = started.sidecar;
    this.#network = started.network;
    this.environment = started.environment;
    this.instanceId = started.instanceId;
  }

  /** @throws TestKitError with what the sidecar said. @internal */
  static async start(around: Surroundings, who: { instanceId: string; poolType: string }): Promise<TestInstance> {
    const { time, log, busAddress, startNumber } = around;
    const network = new MortalNetwork(time.network);
    const identity = { INSTANCE_ID: who.instanceId, POOL_TYPE: who.poolType };
    try {
      const sidecar = new Sidecar({
        config: loadSidecarConfig({
          environment: { ...identity, SIDECAR_BUS_API_URL: busAddress, SIDECAR_ADDR: '127.0.0.1:0' },
          checkPattern: patternProblem,
          startedAtMs: Number(time.scheduler.wallTimeNs() / 1_000_000n) + startNumber,
        }),
        network,
        scheduler: time.scheduler,
        log,
        // Nothing probes it.
        serveHttp: async ({ port }) => ({ port, close: async () => {} }),
        readCredential: async () => ({}),
      });
      await sidecar.start();
      const address = await sidecar.pluginAddress();
      const environment = { ...identity, SIDECAR_ADDR: address, MERIDIAN_SIDECAR_ADDRESS: address };
      return new TestInstance(around, { sidecar, network, environment, instanceId: who.instanceId });
    } catch (error) {
      throw new TestKitError(`the sidecar of ${who.instanceId} did not start: ${messageOf(error)}`, { cause: error });
    }
  }

  /** The state of the sidecar. @internal */
  get state(): SidecarState {
    return this.#sidecar.state;
  }

  /** Whether it was stopped or killed. @internal */
  get isOver(): boolean {
    return this.#ending !== undefined;
  }

  /**
   * Connects a plugin of this process, as `connect` of `meridian-plugin` does for a process of its own. No signal stops it.
   * @throws NotAdmittedError when the sidecar refuses; RpcError UNAVAILABLE when it was stopped or killed.
   */
  async connect(): Promise<Plugin> {
    const { time, log } = this.#around;
    const network = new MortalNetwork(time.network);
    const plugin = await Plugin.connect({
      network,
      scheduler: time.scheduler,
      log,
      address: this.environment['SIDECAR_ADDR'] ?? '',
      schemaVersion: '1.0.0',
      waitTimeoutMs: this.isOver ? 0 : waitTimeoutMs,
    });
    this.#plugins.push({ plugin, network });
    return plugin;
  }

  /** The state that the plugin saved last, as the bus keeps it; undefined when it saved none. */
  savedState(): Promise<Uint8Array | undefined> {
    return this.#around.loadState(this.instanceId);
  }

  /**
   * Replaces what the instance may do: grants that are not among these are taken back. The bus decides by them at once; on real time
   * the sidecar is told a moment later.
   * @throws TypeError for a wrong pattern or an unknown name
   */
  async setGrants(grants: Grants): Promise<void> {
    checkMembers('setGrants', 'grants', grants, grantKinds);
    this.#around.setGrants(this.instanceId, grants);
    await this.#around.time.advance(0);
  }

  /**
   * Stops it as a platform does: the plugin drains for up to 6 s, and its `stopped` resolves. On virtual time that is at once, unless
   * something waits for time: then the stop needs `advance`.
   */
  async stop(): Promise<StopOutcome> {
    const { scheduler } = this.#around.time;
    const startedMs = scheduler.nowMs();
    const stopping = this.#sidecar.stop('SIGTERM');
    this.#ending ??= stopping;
    const exitCode = await stopping;
    return { exitCode, elapsedMs: scheduler.nowMs() - startedMs };
  }

  /**
   * Ends sidecar and plugins without warning, as a container that is killed: nothing drains, nothing more is acknowledged, and no hook
   * is called. The bus finds out when the lease is over, or when a new instance of the id starts. A handler that runs goes on, because
   * nothing can end it, but its calls do nothing more, and fail within 6 s.
   */
  kill(): void {
    this.#network.kill();
    for (const { plugin, network } of this.#plugins.splice(0)) {
      network.kill();
      plugin.onStop(() => {});
      // Ends its attempts to connect.
      void plugin.stop('it was killed');
    }
    this.#ending ??= this.#endSidecar();
  }

  /** Stops what is left at the end of a test, and waits as long as that is of use. @internal */
  async close(): Promise<void> {
    const { kind, advance } = this.#around.time;
    const plugins = this.#plugins.map(({ plugin }) => plugin.stop('the test is over'));
    const ended = Promise.all([this.#ending ?? this.stop(), ...plugins]);
    const isOver = await within(realScheduler, closeTimeoutMs[kind], ended);
    if (!isOver && kind === 'virtual') await advance(closeTimeoutMs.real);
  }

  async #endSidecar(): Promise<void> {
    const stopped = this.#sidecar.stop('it was killed');
    this.#sidecar.hurry();
    await stopped;
  }
}
