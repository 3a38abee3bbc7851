import type { HeaderList } from '../../http2/hpack/header-decoder.ts';
import type { HeaderField } from '../../http2/hpack/header-field.ts';
import type { Metadata } from '../../status.ts';
import { fieldsMetadata } from '../metadata-fields.ts';
import { parseTimeout } from '../timeout.ts';

/**
 * What a request says before its first message. https://www.rfc-editor.org/rfc/rfc9113#section-8.3.1 and
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests
 */
export class RequestHead {
  /** Why this is not a request of HTTP/2. */
  readonly malformed: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly isGrpc: boolean;
  readonly contentLength: number | undefined;
  readonly encoding: string | undefined;
  /** `invalid`: a timeout that cannot be read. */
  readonly timeoutMs: number | undefined | 'invalid';
  /** The memory that the fields take, about. */
  readonly heldBytes: number;
  readonly #fields: readonly HeaderField[];
  #metadata: Metadata | undefined;

  private constructor(fields: readonly HeaderField[]) {
    const values = new Map<string, string>();
    this.malformed = collect(fields, values);
    this.heldBytes = fields.reduce((sum, { size }) => sum + size + fieldOverheadBytes, 0);
    this.#fields = fields;
    this.method = values.get(':method') ?? '';
    this.path = values.get(':path') ?? '';
    const type = values.get('content-type') ?? '';
    this.isGrpc = type === 'application/grpc' || /^application\/grpc[+;]/.test(type);
    this.encoding = values.get('grpc-encoding');
    const length = values.get('content-length');
    this.contentLength = length === undefined ? undefined : Number(length);
    const timeout = values.get('grpc-timeout');
    this.timeoutMs = timeout === undefined ? undefined : (parseTimeout(timeout) ?? 'invalid');
  }

  /** Requests with the same headers share it. */
  static of(list: HeaderList): RequestHead {
    if (!(list.derived instanceof RequestHead)) list.derived = new RequestHead(list.fields);
    return list.derived as RequestHead;
  }

  get metadata(): Metadata {
    this.#metadata ??= fieldsMetadata(this.#fields);
    return this.#metadata;
  }
}

/** The memory of a field beside its size by the RFC: three objects. */
const fieldOverheadBytes = 128;

const pseudoFields: ReadonlySet<string> = new Set([':method', ':path', ':scheme', ':authority']);
const required = [':method', ':path', ':scheme'] as const;
const read: ReadonlySet<string> = new Set(['content-type', 'content-length', 'grpc-encoding', 'grpc-timeout']);

/** Returns why the fields are malformed, or undefined. */
function collect(fields: readonly HeaderField[], values: Map<string, string>): string | undefined {
  let isBehindPseudo = false;
  for (const { name, value, problem } of fields) {
    if (problem !== undefined) return problem;
    const isPseudo = name.charCodeAt(0) === 0x3a;
    if (!isPseudo) {
      isBehindPseudo = true;
      if (read.has(name)) values.set(name, value);
    } else if (isBehindPseudo || !pseudoFields.has(name) || values.has(name)) {
      return `the field ${name} may not stand where it does`;
    } else values.set(name, value);
  }
  const missing = required.find((name) => !values.get(name));
  if (missing) return `the field ${missing} is missing`;
  const length = values.get('content-length');
  return length === undefined || /^\d{1,15}$/.test(length) ? undefined : 'content-length is not a number';
}
