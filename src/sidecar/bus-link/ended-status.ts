import { EndReason } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { RpcError } from '../../transport/status.ts';

/** The status for a plugin whose Subscribe or Serve stream the bus has ended. */
export function endedStatus(reason: EndReason, detail: string): RpcError {
  if (reason === EndReason.NOT_GRANTED) return new RpcError('PERMISSION_DENIED', detail);
  if (reason === EndReason.LIMIT) return new RpcError('RESOURCE_EXHAUSTED', detail);
  return new RpcError('INVALID_ARGUMENT', detail);
}
