import type { ErrorCode } from '../../http2/frames/error-code.ts';
import type { StreamFailure } from '../../http2/stream.ts';
import { RpcError, type StatusCode } from '../../status.ts';

/** https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#errors */
const codeOf: Partial<Record<ErrorCode, Exclude<StatusCode, 'OK'>>> = {
  REFUSED_STREAM: 'UNAVAILABLE',
  CANCEL: 'CANCELLED',
  ENHANCE_YOUR_CALM: 'RESOURCE_EXHAUSTED',
  INADEQUATE_SECURITY: 'PERMISSION_DENIED',
};

/** The error of a call whose stream failed. */
export function errorOf({ code, message, by }: StreamFailure, address: string): RpcError {
  if (by === 'connection') return new RpcError('UNAVAILABLE', `the connection to ${address} was lost: ${message}`);
  return new RpcError(codeOf[code] ?? 'INTERNAL', message);
}
