import type { Scheduler, Timer } from '../../base/time/scheduler.ts';
import { RpcError } from '../../transport/status.ts';
import type { Store } from '../store/store.ts';
import type { Drain, Registration, Registry } from './registration.ts';

export interface HandoverOptions {
  readonly registry: Registry;
  readonly store: Store;
  readonly scheduler: Scheduler;
  /** How long a superseded sidecar may still publish, ack and save state. */
  readonly drainTimeoutMs: number;
  /** Takes work that no caller waits for. */
  readonly inBackground: (work: Promise<unknown>) => void;
}

/** Enough to reconnect, and the longest that a killed sidecar delays its successor. */
const comeBackWithinMs = 2_000;

/** Moves an instance id from one registration to the next: the older one drains, then the newer one starts to receive. */
export class Takeover {
  readonly #options: HandoverOptions;
  readonly #timers = new Set<Timer>();

  constructor(options: HandoverOptions) {
    this.#options = options;
  }

  close(): void {
    for (const timer of this.#timers) timer.cancel();
  }

  /** The registration now owns its instance id. `draining` is the former owner's epoch. */
  async activated(registration: Registration, draining: bigint | undefined): Promise<void> {
    const { registry, store } = this.#options;
    registration.phase = 'active';
    const { instanceId } = registration.owner;
    const earlier = draining === undefined ? undefined : { instanceId, epoch: draining };
    // A former owner with an expired lease has nothing to drain, and must not reconnect beside its successor.
    if (earlier && !registry.get(earlier)) await store.fence(earlier);
    for (const older of this.#olderThan(registration)) await this.#supersede(older, registration);
    this.deliverWhenAlone(registration);
  }

  /** The registration may no longer write. A successor that waited for that starts to receive. */
  async drained(registration: Registration): Promise<void> {
    const { registry, store } = this.#options;
    if (registry.get(registration.owner) !== registration) return;
    registry.remove(registration.owner);
    await store.fence(registration.owner);
    const successor = registry.activeOf(registration.owner.instanceId);
    if (successor) this.deliverWhenAlone(successor);
  }

  /** A session of the registration has begun. Ownership of the instance id determines what it may do. */
  connected(registration: Registration): void {
    if (registration.phase === 'active') this.deliverWhenAlone(registration);
    // The connection may have been lost before the sidecar learned that it must drain.
    if (registration.drain) this.#tell(registration, registration.drain);
  }

  /** A session of the registration has ended. A draining sidecar gets a short time to reconnect before it counts as gone. */
  disconnected({ owner, phase }: Registration): void {
    if (phase !== 'draining') return;
    const { registry, inBackground } = this.#options;
    this.#after(comeBackWithinMs, () => {
      const draining = registry.get(owner);
      if (draining && !draining.session) inBackground(this.drained(draining));
    });
  }

  deliverWhenAlone(registration: Registration): void {
    if (this.#olderThan(registration).some((older) => older.phase === 'draining')) return;
    registration.session?.startDelivering();
  }

  #olderThan({ owner }: Registration): Registration[] {
    return this.#options.registry
      .all()
      .filter((each) => each.owner.instanceId === owner.instanceId && each.owner.epoch < owner.epoch);
  }

  async #supersede(older: Registration, by: Registration): Promise<void> {
    const { registry, scheduler, drainTimeoutMs, inBackground } = this.#options;
    older.session?.stopDelivering();
    const wasActive = older.phase === 'active';
    older.phase = 'draining';
    // A sidecar without a session has nothing to drain, and its successor must not wait for it.
    if (!older.session || !wasActive) return this.#expel(older);
    older.drain = {
      by: { version: by.version, startedAtNs: by.startedAtNs },
      endsMs: scheduler.nowMs() + drainTimeoutMs,
    };
    this.#tell(older, older.drain);
    this.#after(drainTimeoutMs, () => {
      // It may have registered again meanwhile, under the same epoch.
      const draining = registry.get(older.owner);
      if (draining) inBackground(this.#expel(draining));
    });
  }

  #tell({ session }: Registration, { by, endsMs }: Drain): void {
    const drainTimeoutMs = Math.max(0, Math.round(endsMs - this.#options.scheduler.nowMs()));
    session?.superseded(by, drainTimeoutMs);
  }

  #after(delayMs: number, work: () => void): void {
    const timer = this.#options.scheduler.setTimer(delayMs, () => {
      this.#timers.delete(timer);
      work();
    });
    this.#timers.add(timer);
  }

  /** Removes a superseded registration. Its sidecar learns of it when its session ends. */
  async #expel(registration: Registration): Promise<void> {
    registration.session?.end(new RpcError('ABORTED', 'a newer registration owns the instance id'));
    await this.drained(registration);
  }
}
