import type { SentField } from '../../http2/hpack/header-encoder.ts';
import type { CallOptions, ConnectOptions } from '../../rpc.ts';
import { acceptedEncodings } from '../decompress.ts';
import { metadataFields } from '../metadata-fields.ts';
import { formatTimeout } from '../timeout.ts';

/** The header fields of a connection's calls. Equal calls share one array, which is then encoded once. */
export class RequestFields {
  readonly #authority: string;
  readonly #options: Pick<ConnectOptions, 'tls' | 'metadata'>;
  readonly #ofPath = new Map<string, readonly SentField[]>();

  constructor(authority: string, options: Pick<ConnectOptions, 'tls' | 'metadata'>) {
    this.#authority = authority;
    this.#options = options;
  }

  /** @throws RpcError INTERNAL for metadata that cannot be sent */
  of(path: string, { timeoutMs, metadata }: CallOptions): readonly SentField[] {
    if (metadata) return this.#made(path, timeoutMs, { ...this.#options.metadata, ...metadata });
    let fields = this.#ofPath.get(path);
    if (!fields) {
      fields = this.#made(path, undefined, this.#options.metadata ?? {});
      this.#ofPath.set(path, fields);
    }
    return timeoutMs === undefined ? fields : [...fields, timeoutField(timeoutMs)];
  }

  #made(path: string, timeoutMs: number | undefined, metadata: NonNullable<CallOptions['metadata']>): SentField[] {
    return [
      { name: ':method', value: 'POST', indexing: 'table' },
      { name: ':scheme', value: this.#options.tls ? 'https' : 'http', indexing: 'table' },
      { name: ':path', value: path, indexing: 'table' },
      { name: ':authority', value: this.#authority, indexing: 'table' },
      { name: 'te', value: 'trailers', indexing: 'table' },
      { name: 'content-type', value: 'application/grpc', indexing: 'table' },
      { name: 'grpc-accept-encoding', value: acceptedEncodings, indexing: 'table' },
      ...metadataFields(metadata, 'table'),
      ...(timeoutMs === undefined ? [] : [timeoutField(timeoutMs)]),
    ];
  }
}

/** Each call has another, so it is not worth a place in the table. */
function timeoutField(timeoutMs: number): SentField {
  return { name: 'grpc-timeout', value: formatTimeout(timeoutMs), indexing: 'literal' };
}
