import { failureOutcome, type Outcome } from '../../transport/served-call.ts';
import { RpcError } from '../../transport/status.ts';
import { StreamEnd, type StreamFormats } from '../../transport/stream-end.ts';
import type { FarEnd } from './client-stream.ts';
import { asReceived, type CallerFrame, type ServerFrame } from './frames.ts';

/** The handler's end of a call. */
export class MemoryServerStream<Incoming, Outgoing> extends StreamEnd<Incoming, Outgoing> {
  readonly #caller: FarEnd<ServerFrame>;
  readonly #lost = new AbortController();
  #concluded = false;

  constructor(formats: StreamFormats<Incoming, Outgoing>, caller: FarEnd<ServerFrame>) {
    super(formats);
    this.#caller = caller;
  }

  /** Aborts when no caller waits for the handler's answer any more. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  receive(frame: CallerFrame): void {
    if (this.over.aborted) return;
    if (frame.kind === 'message') this.arrived(asReceived(frame.bytes));
    else if (frame.kind === 'end') this.inbox.end();
    else if (frame.kind === 'reset') this.lose(new RpcError('CANCELLED', 'the caller cancelled'));
  }

  override fail(error: RpcError): void {
    this.conclude(failureOutcome(error));
    this.lose(error);
  }

  /** Sends the status behind all messages. The call is over when the status has arrived. */
  conclude(outcome: Outcome): void {
    if (this.#concluded || this.over.aborted) return;
    this.#concluded = true;
    this.endWriting();
    this.#caller.send({ kind: 'status', outcome });
  }

  /** Ends the call when no caller is left to be told. */
  lose(error: RpcError): void {
    this.finish(error);
    this.#lost.abort(error);
  }

  statusArrived(): void {
    this.inbox.end();
    this.finish();
  }

  /** The caller's reader took messages of this many bytes. */
  takenByCaller(byteLength: number): void {
    this.left(byteLength);
  }

  protected override send(bytes: Uint8Array): void {
    this.#caller.send({ kind: 'message', bytes });
  }

  protected override onTaken(byteLength: number): void {
    this.#caller.taken(byteLength);
  }
}
