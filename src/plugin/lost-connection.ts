import type { RpcError } from '../transport/status.ts';

/** Whether a stream ended because its connection was lost or we closed it, so that it is reopened on the next connection. */
export function isLostConnection({ code }: RpcError): boolean {
  return code === 'UNAVAILABLE' || code === 'CANCELLED';
}
