import type { RpcError } from '../transport/status.ts';

/** Whether a stream ended with its connection or by our own hand, so that the next connection takes it up again. */
export function isLostConnection({ code }: RpcError): boolean {
  return code === 'UNAVAILABLE' || code === 'CANCELLED';
}
