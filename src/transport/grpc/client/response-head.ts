import type { HeaderList } from '../../http2/hpack/header-decoder.ts';
import type { HeaderField } from '../../http2/hpack/header-field.ts';
import { type Metadata, RpcError, type StatusCode, statusCodes } from '../../status.ts';
import { fieldsMetadata } from '../metadata-fields.ts';
import { decodeStatusMessage } from '../status-message.ts';

/** How a call ended. `error` is undefined for OK. */
export interface CallStatus {
  readonly error: RpcError | undefined;
  readonly trailers: Metadata;
}

/** https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
const codeOfHttp: Readonly<Record<string, Exclude<StatusCode, 'OK'>>> = {
  400: 'INTERNAL',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'UNIMPLEMENTED',
  429: 'UNAVAILABLE',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'UNAVAILABLE',
};

const noTrailers: Metadata = {};

/** What a header list says: `more` if the response goes on, `interim` for one that another follows, or the status. */
export function readResponse(
  list: HeaderList,
  isEnd: boolean,
): { next: 'more' | 'interim'; encoding?: string } | CallStatus {
  const problem = problemIn(list);
  if (problem) return failed('INTERNAL', problem);
  const { fields } = list;
  const http = fieldValue(fields, ':status') ?? '';
  if (/^1\d\d$/.test(http) && !isEnd) return { next: 'interim' };
  if (isEnd && fieldValue(fields, 'grpc-status') !== undefined) return readTrailers(list);
  const type = fieldValue(fields, 'content-type') ?? '';
  if (http !== '200')
    return failed(codeOfHttp[http] ?? 'UNKNOWN', `the server answers with the HTTP status ${shown(http)}`);
  if (!type.startsWith('application/grpc'))
    return failed('UNKNOWN', `the server answers with ${shown(type)}, not with gRPC`);
  if (isEnd) return failed('UNKNOWN', 'the server ended the call without a status');
  const encoding = fieldValue(fields, 'grpc-encoding');
  return { next: 'more', ...(encoding !== undefined && { encoding }) };
}

/** The status in the last header list of a call. */
export function readTrailers(list: HeaderList): CallStatus {
  const problem = problemIn(list);
  if (problem) return failed('INTERNAL', problem);
  const { fields } = list;
  const number = fieldValue(fields, 'grpc-status');
  const trailers = fieldsMetadata(fields);
  if (number === '0') return { error: undefined, trailers: isEmpty(trailers) ? noTrailers : trailers };
  const code = statusCodes[Number(number)] ?? 'UNKNOWN';
  const message = decodeStatusMessage(fieldValue(fields, 'grpc-message') ?? '') || 'no reason is known';
  return { error: new RpcError(code === 'OK' ? 'UNKNOWN' : code, message, { trailers }), trailers };
}

function problemIn({ fields, isTooLarge }: HeaderList): string | undefined {
  if (isTooLarge) return 'the header fields of the answer are too large';
  return fields.find(({ problem }) => problem !== undefined)?.problem;
}

function fieldValue(fields: readonly HeaderField[], name: string): string | undefined {
  for (const field of fields) if (field.name === name) return field.value;
  return undefined;
}

function failed(code: Exclude<StatusCode, 'OK'>, message: string): CallStatus {
  return { error: new RpcError(code, message), trailers: noTrailers };
}

/** A peer's text, short and in quotes. */
function shown(text: string): string {
  return text === '' ? 'nothing' : JSON.stringify(text.slice(0, 64));
}

function isEmpty(metadata: Metadata): boolean {
  for (const _ in metadata) return false;
  return true;
}
