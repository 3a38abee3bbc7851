import { cancelled } from '../../cancellation.ts';
import type { Http2Stream } from '../../http2/stream.ts';
import type { ClientStream } from '../../rpc.ts';
import type { Metadata, RpcError } from '../../status.ts';
import { StreamEnd, type StreamFormats } from '../../stream-end.ts';
import { messagePrefix } from '../message-prefix.ts';
import type { ClientCall } from './client-call.ts';
import type { CallStatus } from './response-head.ts';

/** The caller's end of a stream. */
export class GrpcClientStream<Incoming, Outgoing>
  extends StreamEnd<Incoming, Outgoing>
  implements ClientStream<Incoming, Outgoing>
{
  readonly #call: ClientCall;
  #stream: Http2Stream | undefined;
  /** Sent before the call has a stream. */
  #early: Uint8Array[] = [];
  #isEnded = false;
  #trailers: Metadata = {};
  /** The call has succeeded, and some of its messages are not read yet. */
  #hasSucceeded = false;

  /** `begin` makes the call that reports to this stream. */
  constructor(
    formats: StreamFormats<Incoming, Outgoing>,
    begin: (stream: GrpcClientStream<Incoming, Outgoing>) => ClientCall,
  ) {
    super(formats);
    this.#call = begin(this);
  }

  get trailers(): Metadata {
    return this.#trailers;
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.endWriting();
    this.#stream?.end();
  }

  cancel(reason = cancelled()): void {
    this.fail(reason);
  }

  override fail(error: RpcError): void {
    this.finish(error);
    this.#call.fail(error);
  }

  onStarted(stream: Http2Stream): void {
    this.#stream = stream;
    for (const bytes of this.#early.splice(0)) stream.send(messagePrefix(bytes.length), bytes);
    if (this.#isEnded) stream.end();
  }

  onMessage(bytes: Uint8Array): void {
    this.#call.kept(bytes.length);
    this.inbox.push(bytes);
  }

  onSent(bodyBytes: number): void {
    this.left(bodyBytes);
  }

  onStatus({ error, trailers }: CallStatus): void {
    this.#trailers = error?.trailers ?? trailers;
    if (error) {
      this.finish(error);
      return;
    }
    this.#hasSucceeded = true;
    this.inbox.end();
    this.#finishOnceRead();
  }

  protected override send(bytes: Uint8Array): void {
    if (this.#stream) this.#stream.send(messagePrefix(bytes.length), bytes);
    else this.#early.push(bytes);
  }

  protected override onTaken(byteLength: number): void {
    this.#call.taken(byteLength);
    this.#finishOnceRead();
  }

  #finishOnceRead(): void {
    if (this.#hasSucceeded && this.inbox.length === 0) this.finish();
  }
}
