import type { Log } from '../../base/log/log.ts';

/**
 * The lifecycle state of the sidecar.
 *
 * - `STARTING`: before the bus answered.
 * - `REGISTERING`: asking the bus for the instance id and waiting for its grants.
 * - `RECOVERING`: loading state and opening the ports.
 * - `READY`: everything works and no plugin has registered.
 * - `RUNNING`: a plugin is registered and messages flow.
 * - `DEGRADED`: the bus is unreachable, or has not activated this instance yet; publishes wait in the outbox.
 * - `FAULTED`: the plugin missed its health checks.
 * - `STANDBY`: a newer sidecar of the same instance id took over.
 * - `SHUTTING_DOWN`: stopping within its budget.
 * - `STOPPED`: everything has ended.
 */
export type SidecarState = (typeof sidecarStates)[number];

export const sidecarStates = [
  'STARTING',
  'REGISTERING',
  'RECOVERING',
  'READY',
  'RUNNING',
  'DEGRADED',
  'FAULTED',
  'STANDBY',
  'SHUTTING_DOWN',
  'STOPPED',
] as const;

/** The facts that determine the state once startup is done. */
export interface Conditions {
  /** A session is open, and the bus has activated it. */
  readonly busUp: boolean;
  readonly pluginRegistered: boolean;
  readonly faulted: boolean;
  readonly superseded: boolean;
}

/** Holds the current state; every change goes through its setter and is logged. */
export class SidecarLifecycle {
  readonly #log: Log;
  readonly #listeners = new Set<(state: SidecarState) => void>();
  #state: SidecarState = 'STARTING';
  #conditions: Conditions = { busUp: false, pluginRegistered: false, faulted: false, superseded: false };

  constructor(log: Log) {
    this.#log = log;
  }

  /** Calls back after every change until the returned function is called. */
  onChange(listener: (state: SidecarState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get state(): SidecarState {
    return this.#state;
  }

  get conditions(): Conditions {
    return this.#conditions;
  }

  set(state: SidecarState): void {
    if (state === this.#state) return;
    this.#log.info('state changed', { from: this.#state, to: state });
    this.#state = state;
    for (const listener of [...this.#listeners]) listener(state);
  }

  /** Startup is done: the conditions determine the state now. */
  ready(): void {
    this.set(stateOf(this.#conditions));
  }

  /** Records changed facts. While the sidecar starts or stops they do not change the state. */
  note(changed: Partial<Conditions>): void {
    this.#conditions = { ...this.#conditions, ...changed };
    if (steadyStates.has(this.#state)) this.set(stateOf(this.#conditions));
  }
}

const steadyStates: ReadonlySet<SidecarState> = new Set(['READY', 'RUNNING', 'DEGRADED', 'FAULTED', 'STANDBY']);

function stateOf(conditions: Conditions): SidecarState {
  if (conditions.superseded) return 'STANDBY';
  if (conditions.faulted) return 'FAULTED';
  if (!conditions.busUp) return 'DEGRADED';
  return conditions.pluginRegistered ? 'RUNNING' : 'READY';
}
