import { within } from '../base/async/within.ts';
import { exitCodes } from '../contract/config/exit-codes.ts';
import { RpcError } from '../transport/status.ts';
import { recoverGrants } from './access/grant-recovery.ts';
import { standingBy } from './bus-link/session-listener.ts';
import { watchForPlugin } from './health/absent-plugin.ts';
import type { SidecarState } from './lifecycle/sidecar-state.ts';
import { runShutdown, runStartup, type StartupStep } from './lifecycle/startup.ts';
import { busUnreachable, pluginPortTaken, registrationFailed } from './lifecycle/startup-errors.ts';
import { createParts, type SidecarOptions, type SidecarParts } from './sidecar-parts.ts';

/** The sidecar: eight steps to start, undone in reverse to stop. */
export class Sidecar {
  readonly #options: SidecarOptions;
  readonly #parts: SidecarParts;
  readonly #steps: readonly StartupStep[];
  readonly #hurrying = new AbortController();
  readonly #faulted = Promise.withResolvers<void>();
  #stopping: Promise<number> | undefined;
  #wasUp = false;
  #isGivingWay = false;
  #hasDrained = true;
  #endWatchForPlugin = (): void => {};

  constructor(options: SidecarOptions) {
    this.#options = options;
    this.#parts = createParts(options, (faulted) => this.#onFault(faulted));
    this.#parts.link.attach({
      onSessionOpen: (draining) => this.#onBusUp(draining),
      onSessionLost: (reason) => this.#onBusDown(reason),
      onSuperseded: () => {
        if (!this.#parts.sidecarLifecycle.conditions.superseded) this.#standBy(options.config.shutdown.drainMs);
      },
      onEvent: (event) => {
        if (event.case === 'superseded') this.#standBy(event.value.drainTimeoutMs);
      },
    });
    this.#steps = this.#eightSteps();
  }

  get state(): SidecarState {
    return this.#parts.sidecarLifecycle.state;
  }

  /** Calls back on every change of state. */
  onState(listener: (state: SidecarState) => void): void {
    this.#parts.sidecarLifecycle.onChange(listener);
  }

  /** Resolves when the plugin is faulted and the configuration says that the sidecar then ends. */
  get faulted(): Promise<void> {
    return this.#faulted.promise;
  }

  /** The address that plugins connect to. @throws RpcError when it could not be bound. */
  pluginAddress(): Promise<string> {
    return this.#parts.listener.bound();
  }

  /** Runs the eight steps. @throws UserFacingError with the exit code of the fatal step that failed. */
  async start(): Promise<void> {
    this.#parts.memory.shedding.start();
    await runStartup(this.#steps, this.#options.log);
    if (!this.#stopping) this.#parts.sidecarLifecycle.ready();
  }

  /**
   * Stops within the budget and returns the exit code: `failureCode` when a failure is the reason to stop. A second call waits
   * for the same stop.
   */
  stop(reason: string, failureCode?: number): Promise<number> {
    this.#stopping ??= this.#stop(reason, failureCode);
    return this.#stopping;
  }

  /** Ends every wait of the stop that is in progress. */
  hurry(): void {
    this.#hurrying.abort();
  }

  /** The contract's eight steps; 1–3 and 7 are fatal. */
  #eightSteps(): StartupStep[] {
    const { config, scheduler, log } = this.#options;
    const { sidecarLifecycle, link, access, grantNotices, state, endpoint, listener } = this.#parts;
    const { instanceId, grantTimeoutMs: timeoutMs } = config;
    return [
      {
        name: 'connect to the Bus API',
        fatal: true,
        start: () => this.#connect(),
        stop: async () => link.close(),
      },
      {
        name: 'register the instance',
        fatal: true,
        start: () => this.#register(),
        stop: () => this.#deregister(),
      },
      {
        name: 'recover grants',
        fatal: true,
        start: () => recoverGrants({ access, instanceId, scheduler, log, timeoutMs }),
        stop: async () => grantNotices.close(),
      },
      {
        name: 'recover state',
        fatal: false,
        retried: 'the next LoadState or SaveState asks the bus again',
        start: async () => {
          sidecarLifecycle.set('RECOVERING');
          await state.load();
        },
      },
      {
        name: 'start the health server',
        fatal: false,
        retried: 'it is tried again until the address is free',
        start: () => endpoint.open(),
        stop: () => endpoint.close(),
      },
      {
        name: `open the plugin port ${config.pluginAddress}`,
        fatal: false,
        retried: 'step 7 waits while it is tried again',
        start: () => listener.open(),
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
        retried: 'the state is DEGRADED until an attempt succeeds',
        start: () => link.activate(),
        stop: async () => {
          this.#parts.admission.close();
          this.#setIntake();
        },
      },
    ];
  }

  async #connect(): Promise<void> {
    const { connectTimeoutMs, busApiUrl } = this.#options.config;
    try {
      await this.#parts.link.connect(connectTimeoutMs);
    } catch (error) {
      throw busUnreachable(busApiUrl.address, RpcError.from(error));
    }
  }

  async #register(): Promise<void> {
    this.#parts.sidecarLifecycle.set('REGISTERING');
    try {
      await this.#parts.link.register(this.#options.config.connectTimeoutMs);
    } catch (error) {
      throw registrationFailed(this.#options.config.busApiUrl.address, error);
    }
  }

  async #acceptPlugins(): Promise<void> {
    const { listener, health, lifecycle } = this.#parts;
    try {
      await listener.bound();
    } catch (error) {
      throw pluginPortTaken(this.#options.config.pluginAddress, error);
    }
    health.start(lifecycle);
    const { scheduler, log, config } = this.#options;
    const { sidecarLifecycle } = this.#parts;
    this.#endWatchForPlugin = watchForPlugin({
      lifecycle: sidecarLifecycle,
      scheduler,
      log,
      address: config.pluginAddress,
    });
  }

  #onBusUp(draining: boolean): void {
    const { sidecarLifecycle, lifecycle, telemetry } = this.#parts;
    sidecarLifecycle.note({ busUp: true, superseded: draining });
    this.#setIntake();
    // A plugin that attached before the first activation was told that the sidecar is degraded.
    lifecycle.resume();
    if (this.#wasUp) telemetry.reconnected();
    this.#wasUp = true;
  }

  #onBusDown(reason: string): void {
    this.#parts.sidecarLifecycle.note({ busUp: false });
    this.#parts.lifecycle.degrade(this.#parts.link.isStandingBy ? standingBy : reason);
  }

  #onFault(faulted: boolean): void {
    this.#parts.sidecarLifecycle.note({ faulted });
    this.#setIntake();
    if (faulted && this.#options.config.exitOnFault) this.#faulted.resolve();
  }

  /**
   * A newer sidecar owns the instance id. After a lost connection the bus may say so again, but the sidecar drains only once.
   */
  #standBy(drainTimeoutMs: number): void {
    if (this.#isGivingWay) return;
    this.#isGivingWay = true;
    void this.#drainAndStandBy(drainTimeoutMs).finally(() => {
      this.#isGivingWay = false;
    });
  }

  /** Drains, releases the instance id, and stays, healthy, in case the newer sidecar dies. */
  async #drainAndStandBy(drainTimeoutMs: number): Promise<void> {
    const { scheduler, config, log } = this.#options;
    const { sidecarLifecycle, lifecycle, link } = this.#parts;
    log.warn('a newer sidecar of this instance took over');
    sidecarLifecycle.note({ superseded: true });
    this.#setIntake();
    const startedMs = scheduler.nowMs();
    await within(scheduler, drainTimeoutMs, lifecycle.stop('a newer sidecar took over', drainTimeoutMs));
    await within(scheduler, config.shutdown.flushMs, this.#settled());
    this.#recordDrain(startedMs);
    if (!this.#stopping) await link.standBy(config.shutdown.deregisterMs);
  }

  /** The plugin gets messages and requests while it is healthy, owns its instance id, and the sidecar is not stopping. */
  #setIntake(): void {
    const { sidecarLifecycle, subscriptions, servers } = this.#parts;
    const { faulted, superseded } = sidecarLifecycle.conditions;
    for (const part of [subscriptions, servers]) {
      if (this.#stopping || faulted || superseded) part.stopIntake();
      else part.resumeIntake();
    }
  }

  async #drainPlugin(): Promise<void> {
    const { scheduler, config } = this.#options;
    const { health, admission, lifecycle } = this.#parts;
    const { drainMs, flushMs } = config.shutdown;
    const { signal } = this.#hurrying;
    const startedMs = scheduler.nowMs();
    health.stop();
    if (admission.isRegistered) {
      const isDone = await within(scheduler, drainMs, lifecycle.stop('the sidecar is stopping', drainMs), signal);
      // A v1 plugin has no callbacks. Only a plugin that has them and does not answer leaves the drain incomplete.
      this.#hasDrained = isDone || !lifecycle.isAttached;
    }
    await within(scheduler, flushMs, this.#settled(), signal);
    this.#recordDrain(startedMs);
  }

  #recordDrain(startedMs: number): void {
    const { telemetry, outbox, scheduler } = this.#parts;
    telemetry.drained({ elapsedMs: scheduler.nowMs() - startedMs, publishesLeft: outbox.size });
  }

  /** Requeues. Resolves once the bus has stored that and answered every publish, and the plugin every request. */
  async #settled(): Promise<void> {
    const { outbox, servers, subscriptions } = this.#parts;
    await Promise.all([outbox.empty(), servers.answered(), subscriptions.requeue()]);
  }

  async #closeListener(): Promise<void> {
    this.#endWatchForPlugin();
    const { scheduler, config } = this.#options;
    await within(scheduler, config.shutdown.closeMs, this.#parts.listener.drain(), this.#hurrying.signal);
    await this.#parts.listener.close();
  }

  async #deregister(): Promise<void> {
    const { link } = this.#parts;
    if (link.epoch > 0n) await link.deregister(this.#options.config.shutdown.deregisterMs);
  }

  async #stop(reason: string, failureCode: number | undefined): Promise<number> {
    const { log } = this.#options;
    const { sidecarLifecycle, outbox } = this.#parts;
    sidecarLifecycle.set('SHUTTING_DOWN');
    log.info('stopping', { reason });
    await runShutdown(this.#steps, log);
    this.#parts.memory.shedding.stop();
    outbox.close();
    // Lines that were left out are summed up now, not at the end of a minute.
    this.#parts.log.close();
    sidecarLifecycle.set('STOPPED');
    const isClean = outbox.size === 0 && this.#hasDrained;
    const exitCode = failureCode ?? (isClean ? exitCodes.clean : exitCodes.unresolved);
    log.info('stopped', { publishesUnresolved: outbox.size, pluginDrained: this.#hasDrained, exitCode });
    return exitCode;
  }
}
