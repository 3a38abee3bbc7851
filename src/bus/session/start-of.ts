import { limits } from '../../contract/wire/limits.ts';
import { RpcError } from '../../transport/status.ts';

const nsPerMs = 1_000_000n;

/**
 * When a sidecar says that it started. The later start takes an instance id over. A time ahead of the bus's clock would keep the id from
 * every later start, so it is accepted only within the usual difference of clocks. @throws RpcError OUT_OF_RANGE
 */
export function startOf(revision: { readonly startedAtNs: bigint } | undefined, nowNs: bigint): bigint {
  const startedAtNs = revision?.startedAtNs ?? 0n;
  const aheadMs = (startedAtNs - nowNs) / nsPerMs;
  if (aheadMs <= limits.clockAheadMsMax) return startedAtNs;
  throw new RpcError(
    'OUT_OF_RANGE',
    `revision.started_at_ns is ${aheadMs} ms ahead of the bus's clock, more than the ${limits.clockAheadMsMax} ms allowed`,
  );
}
