import { RpcError } from '../../transport/status.ts';

/** The instance id of a request. @throws RpcError INVALID_ARGUMENT if it is not valid. */
export function instanceIdOf({ instanceId }: { readonly instanceId: string }): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(instanceId)) return instanceId;
  throw new RpcError('INVALID_ARGUMENT', `"${instanceId}" is not an instance id of 1 to 64 characters [A-Za-z0-9_-]`);
}
