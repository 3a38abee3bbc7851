import { Metadata as GrpcMetadata, type StatusObject, type status } from '@grpc/grpc-js';
import { checkMetadata } from '../metadata.ts';
import { type Metadata, RpcError, type StatusCode, statusCodes } from '../status.ts';

/** The headers that gRPC itself adds. They have no meaning for a handler or a caller. */
const ownHeaders = new Set(['content-type', 'user-agent', 'date', 'accept-encoding', 'te']);

export function toGrpcMetadata(metadata: Metadata): GrpcMetadata {
  const result = new GrpcMetadata();
  for (const [key, value] of Object.entries(checkMetadata(metadata))) result.set(key, value);
  return result;
}

export function fromGrpcMetadata(metadata: GrpcMetadata): Metadata {
  const result: Record<string, string> = {};
  for (const [key, value] of Object.entries(metadata.getMap())) {
    if (typeof value === 'string' && !ownHeaders.has(key) && !key.startsWith('grpc-')) result[key] = value;
  }
  return result;
}

export function toGrpcCode(code: StatusCode): status {
  return statusCodes.indexOf(code);
}

/** The caller's error for a status other than OK. */
export function errorFromStatus(received: Pick<StatusObject, 'code' | 'details' | 'metadata'>): RpcError {
  const code = statusCodes[received.code] ?? 'UNKNOWN';
  return new RpcError(code === 'OK' ? 'UNKNOWN' : code, received.details || 'no reason is known', {
    trailers: fromGrpcMetadata(received.metadata),
  });
}
