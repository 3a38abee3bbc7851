import type { ServerDuplexStream } from '@grpc/grpc-js';
import { failureOutcome, type Outcome } from '../served-call.ts';
import { RpcError } from '../status.ts';
import type { StreamFormats } from '../stream-end.ts';
import { DuplexEnd } from './duplex-end.ts';
import { toGrpcCode, toGrpcMetadata } from './status.ts';

/** The handler's end of a stream. */
export class GrpcServerStream<Incoming, Outgoing> extends DuplexEnd<Incoming, Outgoing> {
  readonly #call: ServerDuplexStream<Buffer, Buffer>;
  readonly #abort: (error: RpcError) => void;

  /** `abort` tells the handler that its call is lost. */
  constructor(
    call: ServerDuplexStream<Buffer, Buffer>,
    formats: StreamFormats<Incoming, Outgoing>,
    abort: (error: RpcError) => void,
  ) {
    super(call, formats);
    this.#call = call;
    this.#abort = abort;
    call.on('cancelled', () => this.#lost(lostCall(call)));
  }

  override fail(error: RpcError): void {
    this.conclude(failureOutcome(error));
    this.#lost(error);
  }

  /** Sends the status behind all messages. The call is over once the status has left. */
  conclude(outcome: Outcome): void {
    this.endWriting();
    if (!this.#call.writable) return;
    const metadata = toGrpcMetadata(outcome.trailers);
    if (outcome.code === 'OK') this.#call.end(metadata);
    else this.#call.emit('error', { code: toGrpcCode(outcome.code), details: outcome.message, metadata });
  }

  #lost(error: RpcError): void {
    this.finish(error);
    this.#abort(error);
  }
}

/** grpc-js does not say why a call was lost, but a passed deadline is known. */
export function lostCall(call: Pick<ServerDuplexStream<Buffer, Buffer>, 'getDeadline'>): RpcError {
  if (Number(call.getDeadline()) <= Date.now()) {
    return new RpcError('DEADLINE_EXCEEDED', 'the deadline that the caller gave has passed');
  }
  return new RpcError('CANCELLED', 'the caller cancelled or its connection was lost');
}
