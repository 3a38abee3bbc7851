import type { ClientDuplexStream, StatusObject } from '@grpc/grpc-js';
import { cancelled } from '../cancellation.ts';
import type { ClientStream } from '../rpc.ts';
import type { Metadata, RpcError } from '../status.ts';
import type { StreamFormats } from '../stream-end.ts';
import { DuplexEnd } from './duplex-end.ts';
import { errorFromStatus, fromGrpcMetadata } from './status.ts';

/** The caller's end of a stream. */
export class GrpcClientStream<Incoming, Outgoing>
  extends DuplexEnd<Incoming, Outgoing>
  implements ClientStream<Incoming, Outgoing>
{
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  #trailers: Metadata = {};

  constructor(call: ClientDuplexStream<Buffer, Buffer>, formats: StreamFormats<Incoming, Outgoing>) {
    super(call, formats);
    this.#call = call;
    // The status event follows with the same error. Without a listener Node would throw it.
    call.on('error', () => {});
    call.on('status', (status: StatusObject) => this.#onStatus(status));
  }

  get trailers(): Metadata {
    return this.#trailers;
  }

  end(): void {
    this.endWriting();
    if (this.#call.writable) this.#call.end();
  }

  cancel(reason = cancelled()): void {
    this.fail(reason);
  }

  override fail(error: RpcError): void {
    this.finish(error);
    this.#call.cancel();
  }

  #onStatus(status: StatusObject): void {
    if (this.over.aborted) return;
    this.#trailers = fromGrpcMetadata(status.metadata);
    this.finish(status.code === 0 ? undefined : errorFromStatus(status));
  }
}
