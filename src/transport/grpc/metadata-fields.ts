import type { SentField } from '../http2/hpack/header-encoder.ts';
import type { HeaderField } from '../http2/hpack/header-field.ts';
import { checkMetadata } from '../metadata.ts';
import type { Metadata } from '../status.ts';

/** The fields that HTTP and gRPC themselves add. They have no meaning for a handler or a caller. */
const ownFields: ReadonlySet<string> = new Set([
  'content-type',
  'content-length',
  'user-agent',
  'date',
  'accept-encoding',
  'te',
]);

/** @throws RpcError INTERNAL for metadata that cannot be sent */
export function metadataFields(metadata: Metadata, indexing: SentField['indexing']): SentField[] {
  return Object.entries(checkMetadata(metadata)).map(([name, value]) => ({ name, value, indexing }));
}

/** The metadata in a header list. Binary values are left out; of several values of a key the first counts. */
export function fieldsMetadata(fields: readonly HeaderField[]): Metadata {
  const metadata: Record<string, string> = {};
  for (const { name, value } of fields) {
    if (name.startsWith(':') || name.startsWith('grpc-') || name.endsWith('-bin') || ownFields.has(name)) continue;
    if (!Object.hasOwn(metadata, name)) metadata[name] = value;
  }
  return metadata;
}
