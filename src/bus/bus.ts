import { Turns } from '../base/async/turns.ts';
import type { Log } from '../base/log/log.ts';
import { every, type Scheduler, type Timer } from '../base/time/scheduler.ts';
import { messageOf } from '../base/user-facing-error.ts';
import { lengthFault } from '../contract/wire/field-limits/length-fault.ts';
import {
  type DeregisterRequest,
  type LoadStateRequest,
  OpenSessionSchema,
  type RegisterRequest,
  type SaveStateRequest,
  type SessionEvent,
  type SessionRequest,
} from '../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { limits } from '../contract/wire/limits.ts';
import { busProtocolVersion, protocolVersionsFit } from '../contract/wire/protocol-version.ts';
import { grantsFromWire } from '../contract/wire/topics/grants-on-wire.ts';
import type { Peer, RpcStream } from '../transport/rpc.ts';
import { RpcError, throwFault } from '../transport/status.ts';
import type { Policy } from './access/policy.ts';
import { anonymous } from './access/principal.ts';
import { stateReadsAtOnce } from './connection-limits.ts';
import { GrantDesk } from './grants/grant-desk.ts';
import { Groups } from './groups/groups.ts';
import { epochFor } from './ownership/epoch-for.ts';
import { instanceIdOf } from './ownership/instance-id.ts';
import { type Registration, Registry } from './ownership/registration.ts';
import { Takeover } from './ownership/takeover.ts';
import { BacklogWatch } from './quotas/backlog-watch.ts';
import { InstanceQuotas, quotasFor } from './quotas/instance-quota.ts';
import { CallBroker } from './session/call-broker.ts';
import { storedAcknowledgement } from './session/feed-for.ts';
import { LogTail } from './session/log-tail.ts';
import { refusalAsStatus } from './session/refusal-as-status.ts';
import { Session } from './session/session.ts';
import { startOf } from './session/start-of.ts';
import { WaitingPublishes } from './session/waiting-publishes.ts';
import { idleExpiryFrom } from './store/idle-expiry.ts';
import type { GrantDecision, Owner, Store, SubscriptionKey } from './store/store.ts';
import { type BusTelemetry, silentTelemetry } from './telemetry.ts';

export interface BusOptions {
  readonly store: Store;
  readonly policy: Policy;
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly telemetry?: BusTelemetry;
  /** How long a registration lives without a heartbeat. */
  readonly leaseMs?: number;
  /** How long a superseded sidecar may still publish, ack and save state. */
  readonly drainTimeoutMs?: number;
  /** How long the cursor of an unused subscription is kept. */
  readonly subscriptionIdleMs?: number;
  /** The longest that a plugin may have one kept. */
  readonly subscriptionIdleMaxMs?: number;
}

export const defaultDrainTimeoutMs = 8_000;
const sweepEveryMs = 1_000;

/** The Bus API behind its wire: registration, ownership and routing. */
export class Bus {
  readonly #options: BusOptions;
  readonly #telemetry: BusTelemetry;
  readonly #leaseMs: number;
  readonly #startedMs: number;
  readonly registry = new Registry();
  readonly #broker: CallBroker;
  readonly #quotas: InstanceQuotas;
  readonly #sweeper: Timer;
  readonly #backlogs: BacklogWatch;
  readonly #tail: LogTail;
  readonly #groups: Groups;
  readonly #waitingPublishes = new WaitingPublishes();
  readonly #takeover: Takeover;
  readonly #stateReads = new Turns(stateReadsAtOnce);
  readonly #grants: GrantDesk;
  #closed = false;

  /** `decisions` are the stored decisions on grants. */
  constructor(options: BusOptions, decisions: readonly GrantDecision[]) {
    this.#options = options;
    this.#telemetry = options.telemetry ?? silentTelemetry;
    this.#telemetry.watch({ registrations: () => this.registry.all(), store: options.store });
    this.#leaseMs = options.leaseMs ?? limits.leaseMs;
    this.#startedMs = options.scheduler.nowMs();
    this.#broker = new CallBroker(options.scheduler);
    this.#quotas = new InstanceQuotas(options.scheduler);
    this.#grants = new GrantDesk({ ...options, decisions, registry: this.registry });
    this.#takeover = new Takeover({
      ...options,
      registry: this.registry,
      drainTimeoutMs: options.drainTimeoutMs ?? defaultDrainTimeoutMs,
      inBackground: (work) => this.#inBackground(work),
    });
    this.#backlogs = new BacklogWatch({ ...options, policy: () => this.#grants.policy });
    this.#tail = new LogTail({ ...options, inBackground: (work) => this.#inBackground(work) });
    this.#groups = new Groups({ store: options.store, tail: this.#tail });
    this.#sweeper = every(options.scheduler, sweepEveryMs, () => this.#sweep());
  }

  /** The evaluation of grants and the administrators' decisions. */
  get grants(): GrantDesk {
    return this.#grants;
  }

  /** Evaluates grants by a new policy, also those of open registrations. */
  replacePolicy(policy: Policy): void {
    this.#grants.replacePolicy(policy);
    for (const { owner, quota, ...who } of this.registry.all()) {
      quota.limits = quotasFor(policy, { ...who, instanceId: owner.instanceId });
    }
  }

  /** Whether a session has the subscription open. */
  isUsed(key: SubscriptionKey): boolean {
    return this.registry
      .all()
      .some((each) => this.#isOpen(each.owner.instanceId === key.instanceId ? each : undefined, key));
  }

  close(): void {
    this.#closed = true;
    this.#telemetry.watch(undefined);
    this.#sweeper.cancel();
    this.#takeover.close();
    this.#tail.close();
  }

  async register(
    request: RegisterRequest,
    peer: Peer,
  ): Promise<{ owner: Owner; leaseMs: number; deploymentId: string }> {
    const { poolType, revision } = request;
    if (!protocolVersionsFit(busProtocolVersion, request.protocolVersion)) {
      throw new RpcError(
        'FAILED_PRECONDITION',
        `the sidecar speaks bus protocol ${request.protocolVersion}, this bus ${busProtocolVersion}`,
      );
    }
    const instanceId = instanceIdOf(request);
    const principal = peer.principal ?? anonymous;
    const claim = { principal, instanceId, poolType };
    const { refusal } = this.#grants.evaluate(claim, []);
    if (refusal !== undefined) throw new RpcError('PERMISSION_DENIED', refusal);
    const startedAtNs = startOf(revision, this.#options.scheduler.wallTimeNs());
    const start = { principal, startedAtNs };
    const owner = await refusalAsStatus(epochFor(request, start, this.#ownership));
    const mayWrite = await this.#options.store.mayWrite(owner);
    // No await before the registration is added: a grant decision made in between would miss it.
    const earlier = this.registry.get(owner);
    const phase = mayWrite ? (earlier?.phase ?? 'active') : 'reserved';
    this.registry.add({
      owner,
      principal,
      startedAtNs,
      version: revision?.version ?? '',
      quota: this.#quotas.of(instanceId, quotasFor(this.#grants.policy, claim)),
      poolType,
      phase,
      access: this.#grants.accessFor(claim, grantsFromWire(request.requestedGrants), earlier),
      drain: earlier?.drain,
      leaseEndsMs: this.#options.scheduler.nowMs() + this.#leaseMs,
      session: earlier?.session,
    });
    this.#options.log.info('registered', { instance: instanceId, pool: poolType, principal, epoch: owner.epoch });
    return { owner, leaseMs: this.#leaseMs, deploymentId: this.#grants.policy.deploymentId };
  }

  async session(stream: RpcStream<SessionRequest, SessionEvent>, peer: Peer): Promise<void> {
    const requests = stream[Symbol.asyncIterator]();
    const first = await requests.next();
    const open = first.done ? undefined : first.value.message;
    if (open?.case !== 'open') throw new RpcError('INVALID_ARGUMENT', 'a session starts with OpenSession');
    throwFault(lengthFault(OpenSessionSchema, open.value));
    const registration = this.#registrationOf(open.value, peer);
    const session = new Session({
      registration,
      stream,
      requests,
      store: this.#options.store,
      tail: this.#tail,
      waiting: this.#waitingPublishes,
      broker: this.#broker,
      groups: this.#groups,
      log: this.#options.log,
      telemetry: this.#telemetry,
      wallTimeNs: () => this.#options.scheduler.wallTimeNs(),
      renewLease: () => this.#renewLease(registration),
    });
    registration.session?.end(new RpcError('ABORTED', 'a newer session of the same epoch took its place'));
    registration.session = session;
    this.#takeover.connected(registration);
    try {
      await session.run();
    } finally {
      if (registration.session === session) registration.session = undefined;
      this.#takeover.disconnected(registration);
    }
  }

  /** `draining`: the epoch drains, so it has nothing to take over. */
  async activate(owner: Owner, peer: Peer): Promise<{ readonly draining: boolean }> {
    const registration = this.#registrationOf(owner, peer);
    if (registration.phase === 'draining') return { draining: true };
    const { draining } = await refusalAsStatus(this.#options.store.activate(registration.owner));
    await this.#takeover.activated(registration, draining);
    this.#options.log.info('activated', { instance: owner.instanceId, epoch: owner.epoch });
    return { draining: false };
  }

  async saveState(request: SaveStateRequest, peer: Peer): Promise<bigint> {
    const registration = this.#registrationOf(request, peer);
    const { state, expectedRevision, acknowledge } = request;
    const saved = this.#options.store.saveState(registration.owner, {
      ...{ state, expectedRevision },
      acknowledge: acknowledge.map((each) => storedAcknowledgement(registration, each)),
    });
    const revision = await refusalAsStatus(saved);
    registration.session?.subscriptions.acknowledgedBeside(acknowledge);
    return revision;
  }

  async loadState(request: LoadStateRequest, peer: Peer): Promise<{ state: Uint8Array; revision: bigint } | undefined> {
    const { owner } = this.#registrationOf(request, peer);
    return this.#stateReads.take(() => this.#options.store.loadState(owner.instanceId));
  }

  async deregister(request: DeregisterRequest, peer: Peer): Promise<void> {
    const registration = this.#registrationOf(request, peer);
    registration.session?.stopDelivering();
    await this.#options.store.fence(registration.owner);
    await this.#takeover.drained(registration);
    const { instanceId, epoch, reason } = request;
    this.#options.log.info('deregistered', { instance: instanceId, epoch, reason });
  }

  get #ownership() {
    const { store, scheduler } = this.#options;
    const areReturning = scheduler.nowMs() < this.#startedMs + this.#leaseMs;
    return { store, registry: this.registry, leaseMs: this.#leaseMs, areReturning };
  }

  #isOpen(owner: Registration | undefined, key: SubscriptionKey): boolean {
    return this.#groups.isUsed(key) || (owner?.session?.subscriptions.isUsing(key.name) ?? false);
  }

  /** @throws RpcError if the caller did not register this epoch. */
  #registrationOf(owner: Owner, peer: Peer): Registration {
    const registration = this.registry.get(owner);
    if (!registration) {
      throw new RpcError('FAILED_PRECONDITION', `epoch ${owner.epoch} of ${owner.instanceId} is not registered`);
    }
    if (registration.principal !== (peer.principal ?? anonymous)) {
      throw new RpcError(
        'PERMISSION_DENIED',
        `epoch ${owner.epoch} of ${owner.instanceId} belongs to another principal`,
      );
    }
    return registration;
  }

  #renewLease(registration: Registration): number {
    registration.leaseEndsMs = this.#options.scheduler.nowMs() + this.#leaseMs;
    return this.#leaseMs;
  }

  #sweep(): void {
    const nowMs = this.#options.scheduler.nowMs();
    for (const registration of this.registry.all()) {
      if (registration.leaseEndsMs > nowMs) continue;
      registration.session?.end(new RpcError('ABORTED', `no heartbeat came for ${this.#leaseMs} ms`));
      // Only an owner can come back under its epoch.
      if (registration.phase === 'active') this.registry.remove(registration.owner);
      else this.#inBackground(this.#takeover.drained(registration));
      const { instanceId, epoch } = registration.owner;
      this.#telemetry.leaseEnded();
      const about = { instance: instanceId, epoch, leaseMs: this.#leaseMs };
      this.#options.log.warn('lease expired without a heartbeat', about);
    }
    const registered = new Set(this.registry.all().map(({ owner }) => owner.instanceId));
    this.#quotas.forget((instanceId) => registered.has(instanceId));
    const active = this.registry.active();
    const expired = this.#options.store.expireSubscriptions({
      ...idleExpiryFrom(this.#options),
      inUse: (instanceId, name) => this.#isOpen(active.get(instanceId), { instanceId, name }),
    });
    const isGone = (receiver: Owner): boolean => !this.#ownership.areReturning && !this.registry.get(receiver);
    this.#inBackground(this.#groups.takeFromGone(isGone));
    // First records progress: a subscription without a backlog must not look as if it had one.
    this.#inBackground(Promise.all([expired, this.#tail.recordProgress()]).then(() => this.#backlogs.look()));
  }

  /** For work that no caller waits for. If the store closes meanwhile, the next start of the bus does the work. */
  #inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (!this.#closed) this.#options.log.error('the store failed', { reason: messageOf(error) });
    });
  }
}
