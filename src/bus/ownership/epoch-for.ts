import type { RegisterRequest } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { leaseMsTrailer } from '../../contract/wire/limits.ts';
import { RpcError } from '../../transport/status.ts';
import type { Owner, Start, Store } from '../store/store.ts';
import type { Registry } from './registration.ts';

interface Ownership {
  readonly store: Pick<Store, 'ownerOf' | 'fence' | 'reserve'>;
  readonly registry: Registry;
  readonly leaseMs: number;
  /** After a restart of the bus every owner has the time of one lease to reconnect. */
  readonly areReturning: boolean;
}

/** The epoch to continue after a lost connection, or a new one. @throws RpcError ALREADY_EXISTS if a newer sidecar owns the id */
export async function epochFor(
  { instanceId, resumeEpoch }: Pick<RegisterRequest, 'instanceId' | 'resumeEpoch'>,
  { startedAtNs, principal }: Start,
  { store, registry, leaseMs, areReturning }: Ownership,
): Promise<Owner> {
  const resumed = { instanceId, epoch: resumeEpoch };
  const known = registry.get(resumed);
  const stored = await store.ownerOf(instanceId);
  // An epoch is not a secret: another caller that may be this instance gets its own. An epoch that drained before a restart of the bus
  // has used up its time.
  const isStored = stored?.epoch === resumed.epoch;
  const isOurs = known ? known.principal === principal : isStored && ['', principal].includes(stored.principal);
  if (resumeEpoch > 0n && isOurs) return resumed;
  const isOwned = areReturning || registry.activeOf(instanceId) !== undefined;
  if (stored && stored.startedAtNs > startedAtNs && isOwned) {
    throw new RpcError('ALREADY_EXISTS', `a newer sidecar of ${instanceId} owns the id under epoch ${stored.epoch}`, {
      trailers: { [leaseMsTrailer]: `${leaseMs}` },
    });
  }
  if (resumeEpoch > 0n && !known && !isStored) await store.fence(resumed);
  return { instanceId, epoch: await store.reserve(instanceId, { startedAtNs, principal }) };
}
