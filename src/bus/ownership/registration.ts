import type { SubscriptionPositions } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { RpcError } from '../../transport/status.ts';
import type { InstanceAccess } from '../access/instance-access.ts';
import type { InstanceQuota } from '../quotas/instance-quota.ts';
import type { Owner } from '../store/store.ts';

/**
 * The phase of a registration:
 * `reserved` until its sidecar activates it;
 * `active` while it owns the instance id;
 * `draining` after a newer one took over, while it may still publish and ack.
 */
export type RegistrationPhase = 'reserved' | 'active' | 'draining';

/** The newer registration, and the end of the drain on the monotonic clock. */
export interface Drain {
  readonly by: { readonly version: string; readonly startedAtNs: bigint };
  readonly endsMs: number;
}

/** The session's interface for other parts of the bus. */
export interface RegisteredSession {
  readonly subscriptions: {
    readonly size: number;
    isUsing(name: string): boolean;
    /** A state was saved that also acked these positions. */
    acknowledgedBeside(acknowledged: readonly SubscriptionPositions[]): void;
  };
  startDelivering(): void;
  stopDelivering(): void;
  /** Tells the sidecar that a newer registration owns the instance id. */
  superseded(by: Drain['by'], drainTimeoutMs: number): void;
  grantsChanged(cause: string): void;
  end(reason: RpcError): void;
}

export interface Registration {
  readonly owner: Owner;
  readonly principal: string;
  readonly startedAtNs: bigint;
  readonly version: string;
  /** Shared by every registration of the instance id. */
  readonly quota: InstanceQuota;
  readonly poolType: string;
  readonly access: InstanceAccess;
  phase: RegistrationPhase;
  /** Present while it drains. */
  drain: Drain | undefined;
  /** On the monotonic clock. Every heartbeat renews it. */
  leaseEndsMs: number;
  session: RegisteredSession | undefined;
}

/** Every registration whose lease has not expired, by instance id and epoch. */
export class Registry {
  readonly #registrations = new Map<string, Registration>();

  add(registration: Registration): void {
    this.#registrations.set(keyOf(registration.owner), registration);
  }

  get(owner: Owner): Registration | undefined {
    return this.#registrations.get(keyOf(owner));
  }

  remove(owner: Owner): void {
    this.#registrations.delete(keyOf(owner));
  }

  all(): Registration[] {
    return [...this.#registrations.values()];
  }

  /** The newest registration of an instance id. */
  latestOf(instanceId: string): Registration | undefined {
    return this.all()
      .filter(({ owner }) => owner.instanceId === instanceId)
      .reduce<Registration | undefined>((a, b) => (a && a.owner.epoch > b.owner.epoch ? a : b), undefined);
  }

  /** The owners whose lease has not expired, by instance id. */
  active(): ReadonlyMap<string, Registration> {
    const active = this.all().filter(({ phase }) => phase === 'active');
    return new Map(active.map((registration) => [registration.owner.instanceId, registration]));
  }

  /** The owner of an instance id, if its lease has not expired. */
  activeOf(instanceId: string): Registration | undefined {
    return this.all().find(({ owner, phase }) => owner.instanceId === instanceId && phase === 'active');
  }
}

function keyOf(owner: Owner): string {
  return `${owner.instanceId} ${owner.epoch}`;
}
