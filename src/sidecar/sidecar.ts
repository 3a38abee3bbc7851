import type { Log } from '../base/log.ts';
import { type Scheduler, sleep } from '../base/scheduler.ts';
import { within } from '../base/within.ts';
import { exitCodes } from '../contract/config/exit-codes.ts';
import type { SidecarConfig } from '../contract/config/sidecar-config.ts';
import { limits } from '../contract/wire/limits.ts';
import type { Network, TlsFiles } from '../transport/rpc.ts';
import { RpcError } from '../transport/status.ts';
import { Access } from './access.ts';
import { BusLink } from './bus-link/bus-link.ts';
import { BusCalls } from './bus-link/calls.ts';
import { Outbox } from './bus-link/outbox.ts';
import { BusServers } from './bus-link/servers.ts';
import { BusSubscriptions } from './bus-link/subscriptions.ts';
import { healthReply } from './health-report.ts';
import type { HealthServer, ServeHealth } from './health-server.ts';
import { PluginHealth } from './plugin-health.ts';
import { PluginListener } from './plugin-listener.ts';
import { Admission } from './plugin-port/admission.ts';
import { PluginLifecycle } from './plugin-port/plugin-lifecycle.ts';
import type { PluginPort } from './plugin-port/plugin-port.ts';
import { pluginRoutes } from './plugin-port/plugin-service.ts';
import { sidecarRoutes } from './plugin-port/sidecar-service.ts';
import { type SidecarState, StateHolder } from './sidecar-state.ts';
import { runShutdown, runStartup, type StartupStep } from './startup.ts';
import {
  busUnreachable,
  grantsDenied,
  grantsUndecided,
  listGrants,
  pluginPortTaken,
  registrationFailed,
} from './startup-errors.ts';
import { StateKeeper } from './state-keeper.ts';

export interface SidecarOptions {
  readonly config: SidecarConfig;
  readonly network: Network;
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly serveHealth: ServeHealth;
  /** The credential for the bus, read anew before every connection. */
  readonly readCredential: () => Promise<{ readonly tls?: TlsFiles; readonly token?: string }>;
}

/** How long a taken plugin port is tried again before step 7 gives up. */
const listenRetryMs = 5_000;
const remindEveryMs = 10_000;

/** The sidecar, put together: eight steps up, the same steps down in reverse. */
export class Sidecar {
  readonly #options: SidecarOptions;
  readonly #state: StateHolder;
  readonly #link: BusLink;
  readonly #outbox: Outbox;
  readonly #subscriptions: BusSubscriptions;
  readonly #servers: BusServers;
  readonly #access = new Access();
  readonly #keeper: StateKeeper;
  readonly #admission: Admission;
  readonly #lifecycle: PluginLifecycle;
  readonly #health: PluginHealth;
  readonly #listener: PluginListener;
  readonly #steps: readonly StartupStep[];
  readonly #hurrying = new AbortController();
  readonly #faulted = Promise.withResolvers<void>();
  #healthServer: Promise<HealthServer | undefined> = Promise.resolve(undefined);
  #stopping: Promise<number> | undefined;
  #hasDrained = true;

  constructor(options: SidecarOptions) {
    this.#options = options;
    const { config, network, scheduler, log } = options;
    this.#state = new StateHolder(log);
    this.#link = new BusLink({
      network,
      scheduler,
      log,
      address: config.busApiUrl.address,
      readCredential: options.readCredential,
      registration: {
        instanceId: config.instanceId,
        poolType: config.poolType,
        requestedGrants: config.requestedGrants.map(({ topic, action }) => ({ pattern: topic, action })),
        tags: config.tags,
        image: config.image ?? '',
        version: config.revision.applicationVersion,
        startedAtNs: BigInt(Math.round(config.revision.startedAtMs)) * 1_000_000n,
      },
      renewEveryMs: config.renewEveryMs,
      reconnect: config.reconnect,
    });
    const send: BusLink['send'] = (message) => this.#link.send(message);
    this.#outbox = new Outbox({ scheduler, limits: config.outbox, send });
    this.#subscriptions = new BusSubscriptions({ send });
    this.#servers = new BusServers({ send });
    this.#keeper = new StateKeeper(this.#link, config.instanceId);
    this.#admission = new Admission(this.#access, (registered) => {
      this.#health.reset();
      this.#state.note({ pluginRegistered: registered });
    });
    this.#lifecycle = new PluginLifecycle({
      scheduler,
      admission: this.#admission,
      instanceId: config.instanceId,
      isDegraded: () => !this.#state.conditions.busUp,
    });
    this.#health = new PluginHealth({
      scheduler,
      log,
      checkEveryMs: config.healthCheckEveryMs,
      checkTimeoutMs: config.healthCheckTimeoutMs,
      faultThreshold: config.faultThreshold,
      onChange: (faulted) => this.#onFault(faulted),
    });
    const calls = new BusCalls({ scheduler, send });
    const port = this.#pluginPort(calls);
    this.#listener = new PluginListener({
      network,
      scheduler,
      log,
      address: config.pluginAddress,
      retryForMs: listenRetryMs,
      listen: { routes: [...sidecarRoutes(port), ...pluginRoutes(port)], maxMessageBytes: limits.messageBytes },
    });
    for (const part of [this.#access, this.#outbox, this.#subscriptions, this.#servers, calls]) this.#link.attach(part);
    this.#link.attach({
      onUp: () => this.#onBusUp(),
      onDown: (reason) => this.#onBusDown(reason),
      onEvent: (event) => {
        if (event.case === 'superseded') void this.#standBy(event.value.drainTimeoutMs);
      },
    });
    this.#steps = this.#eightSteps();
  }

  get state(): SidecarState {
    return this.#state.current;
  }

  /** Resolves when the plugin is faulted and the configuration says that the sidecar then ends. */
  get faulted(): Promise<void> {
    return this.#faulted.promise;
  }

  /** The address that plugins connect to. @throws RpcError when it could not be bound. */
  pluginAddress(): Promise<string> {
    return this.#listener.bound();
  }

  /** Runs the eight steps. @throws UserFacingError with the exit code of the fatal step that failed. */
  async start(): Promise<void> {
    await runStartup(this.#steps, this.#options.log);
    if (!this.#stopping) this.#state.ready();
  }

  /**
   * Stops within the budget and returns the exit code: `failureCode` when a failure is why it stops.
   * Called again, it waits for the same stop.
   */
  stop(reason: string, failureCode?: number): Promise<number> {
    this.#stopping ??= this.#stop(reason, failureCode);
    return this.#stopping;
  }

  /** Cuts short every wait of the stop that is under way. */
  hurry(): void {
    this.#hurrying.abort();
  }

  /** The contract's eight steps; 1–3 and 7 are fatal. */
  #eightSteps(): StartupStep[] {
    const { config } = this.#options;
    return [
      {
        name: 'connect to the Bus API',
        fatal: true,
        start: () => this.#connect(),
        stop: async () => this.#link.close(),
      },
      {
        name: 'register the instance',
        fatal: true,
        start: () => this.#register(),
        stop: () => this.#deregister(),
      },
      { name: 'recover grants', fatal: true, start: () => this.#recoverGrants() },
      {
        name: 'recover state',
        fatal: false,
        start: async () => {
          this.#state.set('RECOVERING');
          await this.#keeper.load();
        },
      },
      {
        name: 'start the health server',
        fatal: false,
        start: () => this.#startHealthServer(),
        stop: async () => (await this.#healthServer)?.close(),
      },
      {
        name: `open the plugin port ${config.pluginAddress}`,
        fatal: false,
        start: () => this.#listener.open(),
        stop: () => this.#closeListener(),
      },
      {
        name: 'accept plugins',
        fatal: true,
        start: () => this.#acceptPlugins(),
        stop: () => this.#drainPlugin(),
      },
      {
        name: 'route messages',
        fatal: false,
        start: () => this.#link.activate(),
        stop: async () => {
          this.#admission.close();
          this.#stopIntake();
        },
      },
    ];
  }

  #pluginPort(calls: BusCalls): PluginPort {
    const { config, scheduler, log } = this.#options;
    return {
      identity: {
        instanceId: config.instanceId,
        poolType: config.poolType,
        tags: config.tags,
        deploymentId: () => this.#link.deploymentId,
        // The epoch makes it unique over restarts, since no two starts of an instance share one.
        messageId: (label) => `${config.instanceId}-${this.#link.epoch}-${label}`,
      },
      scheduler,
      log,
      access: this.#access,
      admission: this.#admission,
      lifecycle: this.#lifecycle,
      health: this.#health,
      outbox: this.#outbox,
      subscriptions: this.#subscriptions,
      calls,
      servers: this.#servers,
      state: this.#keeper,
      settings: config,
    };
  }

  async #connect(): Promise<void> {
    const { config } = this.#options;
    try {
      await this.#link.connect(config.connectTimeoutMs);
    } catch (error) {
      throw busUnreachable(config.busApiUrl.address, RpcError.from(error));
    }
  }

  async #register(): Promise<void> {
    this.#state.set('REGISTERING');
    try {
      await this.#link.register();
    } catch (error) {
      throw registrationFailed(this.#options.config.busApiUrl.address, error);
    }
  }

  async #recoverGrants(): Promise<void> {
    const { scheduler, log, config } = this.#options;
    const { grantTimeoutMs = Number.POSITIVE_INFINITY } = config;
    const startMs = scheduler.nowMs();
    for (
      let leftMs = grantTimeoutMs;
      !(await within(scheduler, Math.min(leftMs, remindEveryMs), this.#access.decided()));
    ) {
      leftMs = startMs + grantTimeoutMs - scheduler.nowMs();
      if (leftMs <= 0) throw grantsUndecided(this.#access.undecided, grantTimeoutMs);
      log.warn(`waiting for a decision on ${listGrants(this.#access.undecided)}`);
    }
    const { granted, denied } = this.#access;
    if (granted.length === 0 && denied.length > 0) throw grantsDenied(denied);
    if (denied.length > 0) log.warn(`the bus denied ${listGrants(denied)}`);
  }

  /** @throws the first failure; the server is tried again behind. */
  async #startHealthServer(): Promise<void> {
    const { serveHealth, config, scheduler, log } = this.#options;
    const serve = async (): Promise<HealthServer> => {
      const server = await serveHealth(config.healthAddress, (path) => healthReply(path, this.#state.current));
      log.info('health server listens', { port: server.port });
      return server;
    };
    const first = serve();
    const retry = async (): Promise<HealthServer | undefined> => {
      while (!this.#stopping) {
        await sleep(scheduler, 1_000, this.#hurrying.signal);
        const server = await serve().catch(() => undefined);
        if (server) return server;
      }
      return undefined;
    };
    this.#healthServer = first.catch(retry);
    await first;
  }

  async #acceptPlugins(): Promise<void> {
    try {
      await this.#listener.bound();
    } catch (error) {
      throw pluginPortTaken(this.#options.config.pluginAddress, error);
    }
    this.#health.start(this.#lifecycle);
  }

  #onBusUp(): void {
    const wasAway = !this.#state.conditions.busUp;
    this.#subscriptions.resumeIntake();
    this.#servers.resumeIntake();
    this.#state.note({ busUp: true, superseded: false });
    if (wasAway) this.#lifecycle.resume();
  }

  #onBusDown(reason: string): void {
    this.#state.note({ busUp: false });
    this.#lifecycle.degrade(reason);
  }

  #onFault(faulted: boolean): void {
    this.#state.note({ faulted });
    if (faulted && this.#options.config.exitOnFault) this.#faulted.resolve();
  }

  /** A newer start owns the instance id: drain, give the id back, and stay, healthy, in case that one dies. */
  async #standBy(drainTimeoutMs: number): Promise<void> {
    const { scheduler, config, log } = this.#options;
    log.warn('a newer start of this instance took over');
    this.#state.note({ superseded: true });
    this.#stopIntake();
    await within(scheduler, drainTimeoutMs, this.#lifecycle.stop('a newer version took over', drainTimeoutMs));
    await within(scheduler, config.shutdown.flushMs, this.#outbox.empty());
    if (!this.#stopping) await this.#link.standBy(config.shutdown.deregisterMs);
  }

  #stopIntake(): void {
    this.#subscriptions.stopIntake();
    this.#servers.stopIntake();
  }

  async #drainPlugin(): Promise<void> {
    const { scheduler, config } = this.#options;
    const { drainMs, flushMs } = config.shutdown;
    const signal = this.#hurrying.signal;
    this.#health.stop();
    if (this.#admission.isRegistered) {
      const isCalledBack = this.#lifecycle.isAttached;
      const isDone = await within(scheduler, drainMs, this.#lifecycle.stop('the sidecar is stopping', drainMs), signal);
      // A v1 plugin cannot be called back, so only one that can and does not answer leaves something open.
      this.#hasDrained = isDone || !isCalledBack;
    }
    await within(scheduler, flushMs, this.#outbox.empty(), signal);
  }

  async #closeListener(): Promise<void> {
    const { scheduler, config } = this.#options;
    await within(scheduler, config.shutdown.closeMs, this.#listener.drain(), this.#hurrying.signal);
    await this.#listener.close();
  }

  async #deregister(): Promise<void> {
    if (this.#link.epoch > 0n) await this.#link.deregister(this.#options.config.shutdown.deregisterMs);
  }

  async #stop(reason: string, failureCode: number | undefined): Promise<number> {
    const { log } = this.#options;
    this.#state.set('SHUTTING_DOWN');
    log.info('stopping', { reason });
    await runShutdown(this.#steps, log);
    this.#state.set('STOPPED');
    const unresolved = this.#outbox.size;
    const isClean = unresolved === 0 && this.#hasDrained;
    const exitCode = failureCode ?? (isClean ? exitCodes.clean : exitCodes.unresolved);
    log.info('stopped', { publishesUnresolved: unresolved, pluginDrained: this.#hasDrained, exitCode });
    return exitCode;
  }
}
