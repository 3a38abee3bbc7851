import { RpcError } from '../../transport/status.ts';

/** The instance id that a request names. @throws RpcError INVALID_ARGUMENT when it has not the form of one. */
export function instanceIdOf({ instanceId }: { readonly instanceId: string }): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(instanceId)) return instanceId;
  throw new RpcError('INVALID_ARGUMENT', `"${instanceId}" is not an instance id of 1 to 64 characters [A-Za-z0-9_-]`);
}
