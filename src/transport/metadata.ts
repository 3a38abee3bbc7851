import { type Metadata, RpcError } from './status.ts';

/**
 * Refuses metadata that HTTP/2 or gRPC would later refuse or silently change.
 * @throws RpcError INTERNAL naming the key. Values may be secrets and are not shown.
 */
export function checkMetadata(metadata: Metadata): Metadata {
  for (const [key, value] of Object.entries(metadata)) {
    if (!/^[0-9a-z_.-]+$/.test(key) || key.startsWith('grpc-') || key.endsWith('-bin')) {
      throw new RpcError('INTERNAL', `"${key}" is not a valid metadata key`);
    }
    if (!/^[\x20-\x7e]*$/.test(value)) {
      throw new RpcError('INTERNAL', `the value of the metadata key "${key}" is not printable ASCII`);
    }
  }
  return metadata;
}
