import { cancelled } from '../../transport/cancellation.ts';
import type { ClientStream } from '../../transport/rpc.ts';
import type { Outcome } from '../../transport/served-call.ts';
import { type Metadata, RpcError } from '../../transport/status.ts';
import { StreamEnd, type StreamFormats } from '../../transport/stream-end.ts';
import { asReceived, type CallerFrame, type ServerFrame } from './frames.ts';

/** How one end of a call reaches the other. */
export interface FarEnd<Frame> {
  send(frame: Frame): void;
  /** The reader here took messages of this many bytes, so the writer there may continue. */
  taken(byteLength: number): void;
}

/** The caller's end of a call. */
export class MemoryClientStream<Incoming, Outgoing>
  extends StreamEnd<Incoming, Outgoing>
  implements ClientStream<Incoming, Outgoing>
{
  readonly #server: FarEnd<CallerFrame>;
  #succeeded = false;
  #trailers: Metadata = {};

  constructor(formats: StreamFormats<Incoming, Outgoing>, server: FarEnd<CallerFrame>) {
    super(formats);
    this.#server = server;
  }

  get trailers(): Metadata {
    return this.#trailers;
  }

  end(): void {
    this.endWriting();
    if (!this.over.aborted) this.#server.send({ kind: 'end' });
  }

  cancel(reason = cancelled()): void {
    this.fail(reason);
  }

  override fail(error: RpcError): void {
    if (this.over.aborted) return;
    this.finish(error);
    this.#server.send({ kind: 'reset' });
  }

  receive(frame: ServerFrame): void {
    if (this.over.aborted) return;
    if (frame.kind === 'message') this.arrived(asReceived(frame.bytes));
    else this.#conclude(frame.outcome);
  }

  /** The server's reader took messages of this many bytes. */
  takenByServer(byteLength: number): void {
    this.left(byteLength);
  }

  protected override send(bytes: Uint8Array): void {
    this.#server.send({ kind: 'message', bytes });
  }

  protected override onTaken(byteLength: number): void {
    this.#server.taken(byteLength);
    this.#finishWhenRead();
  }

  #conclude({ code, message, trailers }: Outcome): void {
    this.#trailers = trailers;
    if (code === 'OK') {
      this.#succeeded = true;
      this.inbox.end();
      this.#finishWhenRead();
    } else {
      this.finish(new RpcError(code, message, { trailers }));
    }
  }

  /** As in gRPC, the caller learns of success only after it has read everything before it. */
  #finishWhenRead(): void {
    if (this.#succeeded && this.inbox.length === 0) this.finish();
  }
}
