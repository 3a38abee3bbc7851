import type { SentField } from '../../http2/hpack/header-encoder.ts';
import type { Http2Stream } from '../../http2/stream.ts';
import { failureOutcome, type Outcome } from '../../served-call.ts';
import { type Fault, type Metadata, statusCodes } from '../../status.ts';
import { acceptedEncodings } from '../decompress.ts';
import { metadataFields } from '../metadata-fields.ts';
import { encodeStatusMessage } from '../status-message.ts';

/** Headers of every response: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses */
const responseHeaders: readonly SentField[] = [
  { name: ':status', value: '200', indexing: 'table' },
  { name: 'content-type', value: 'application/grpc', indexing: 'table' },
  { name: 'grpc-accept-encoding', value: acceptedEncodings, indexing: 'table' },
];

const okTrailers: readonly SentField[] = [{ name: 'grpc-status', value: '0', indexing: 'table' }];

export function sendResponseHeaders(stream: Http2Stream): void {
  stream.sendHeaders(responseHeaders);
}

/** Sends the status, with headers in front of it if none were sent. */
export function sendOutcome(stream: Http2Stream, outcome: Outcome, hasHeaders: boolean): void {
  const trailers = trailersOf(outcome);
  if (hasHeaders) stream.sendTrailers(trailers);
  else stream.sendHeaders([...responseHeaders, ...trailers], true);
}

/** Refuses a call before it is served. */
export function refuse(stream: Http2Stream, refusal: Fault): void {
  sendOutcome(stream, failureOutcome(refusal), false);
}

/** Answers a request that gRPC has no status for. */
export function answerHttp(stream: Http2Stream, status: string, text: string): void {
  stream.sendHeaders([
    { name: ':status', value: status, indexing: 'literal' },
    { name: 'content-type', value: 'text/plain', indexing: 'literal' },
  ]);
  stream.send(new Uint8Array(0), Buffer.from(`${text}\n`), true);
}

function trailersOf({ code, message, trailers }: Outcome): readonly SentField[] {
  if (code === 'OK') return isEmpty(trailers) ? okTrailers : [...okTrailers, ...metadataFields(trailers, 'literal')];
  return [
    { name: 'grpc-status', value: String(statusCodes.indexOf(code)), indexing: 'table' },
    { name: 'grpc-message', value: encodeStatusMessage(message), indexing: 'literal' },
    ...metadataFields(trailers, 'literal'),
  ];
}

function isEmpty(metadata: Metadata): boolean {
  for (const _ in metadata) return false;
  return true;
}
