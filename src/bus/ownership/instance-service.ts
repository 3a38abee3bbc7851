import type { Log } from '../../base/log/log.ts';
import { create } from '../../contract/wire/codec/message.ts';
import {
  ListInstancesReplySchema,
  Phase,
  type RegisteredInstance,
  RegisteredInstanceSchema,
  ResetStateReplySchema,
  ShowStateReplySchema,
} from '../../contract/wire/gen/meridian/bus/v1/instances_pb.ts';
import { instanceMethods } from '../../contract/wire/methods.ts';
import { type Route, serveUnary } from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';
import type { RequireAdmin } from '../access/admin.ts';
import type { Owner, Store } from '../store/store.ts';
import { instanceIdOf } from './instance-id.ts';
import type { Registration, RegistrationPhase, Registry } from './registration.ts';

/** Instances in one answer, so that it fits into a message however long their names are. */
const pageSize = 512;

export interface InstanceServiceOptions {
  readonly registry: Registry;
  readonly store: Pick<Store, 'loadState' | 'forgetState'>;
  readonly log: Log;
  readonly requireAdmin: RequireAdmin;
  /** The monotonic clock of the leases. */
  readonly nowMs: () => number;
}

/** The RPCs by which administrators look at the registered instances and the stored states, and reset those. */
export function instanceRoutes({ registry, store, log, requireAdmin, nowMs }: InstanceServiceOptions): Route[] {
  return [
    serveUnary(instanceMethods.list, async ({ after }, call) => {
      requireAdmin(call);
      const found = registry
        .all()
        .filter(({ owner }) => after === undefined || compareOwners(owner, after) > 0)
        .sort((one, other) => compareOwners(one.owner, other.owner));
      const page = found.slice(0, pageSize).map((registration) => instanceOf(registration, nowMs()));
      return create(ListInstancesReplySchema, { instances: page, hasMore: found.length > page.length });
    }),
    serveUnary(instanceMethods.showState, async (request, call) => {
      const by = requireAdmin(call);
      const instance = instanceIdOf(request);
      const stored = await store.loadState(instance);
      if (!stored) throw new RpcError('NOT_FOUND', `no state of ${instance} is stored`);
      log.info('an administrator read a state', { instance, revision: stored.revision, by });
      return create(ShowStateReplySchema, stored);
    }),
    serveUnary(instanceMethods.resetState, async (request, call) => {
      const by = requireAdmin(call);
      const instance = instanceIdOf(request);
      // A plugin that runs would go on with what it loaded.
      if (registry.all().some(({ owner }) => owner.instanceId === instance)) {
        throw new RpcError('FAILED_PRECONDITION', `${instance} is registered now, and its plugin may hold the state`);
      }
      const revision = (await store.loadState(instance))?.revision;
      if (revision === undefined || !(await store.forgetState(instance))) {
        throw new RpcError('NOT_FOUND', `no state of ${instance} is stored`);
      }
      log.warn('an administrator reset a state', { instance, revision, by });
      return create(ResetStateReplySchema, { revision });
    }),
  ];
}

const phaseOnWire: Readonly<Record<RegistrationPhase, Phase>> = {
  reserved: Phase.RESERVED,
  active: Phase.ACTIVE,
  draining: Phase.DRAINING,
};

function instanceOf(registration: Registration, nowMs: number): RegisteredInstance {
  const { owner, phase, poolType, version, principal, startedAtNs, session, leaseEndsMs, access } = registration;
  return create(RegisteredInstanceSchema, {
    instanceId: owner.instanceId,
    epoch: owner.epoch,
    phase: phaseOnWire[phase],
    poolType,
    version,
    principal,
    startedAtNs,
    connected: session !== undefined,
    leaseMs: Math.max(0, Math.round(leaseEndsMs - nowMs)),
    openSubscriptions: session?.subscriptions.size ?? 0,
    undecidedGrants: access.withheldAs('undecided').length,
  });
}

function compareOwners(one: Owner, other: Owner): number {
  if (one.instanceId !== other.instanceId) return one.instanceId < other.instanceId ? -1 : 1;
  return Number(one.epoch - other.epoch);
}
