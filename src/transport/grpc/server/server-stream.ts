import { http2Limits } from '../../http2/limits.ts';
import type { StreamFailure, StreamListener } from '../../http2/stream.ts';
import type { StreamHandler, StreamMethod } from '../../rpc.ts';
import { failureOutcome, type Outcome, ServedCall } from '../../served-call.ts';
import { RpcError } from '../../status.ts';
import { StreamEnd } from '../../stream-end.ts';
import { IncomingMessages } from '../incoming-messages.ts';
import { messagePrefix } from '../message-prefix.ts';
import { type CallHome, Http2CallFacts, lostCall } from './call-facts.ts';
import { sendOutcome } from './response-fields.ts';

/** The handler's end of a stream. */
export class ServerStream<Incoming, Outgoing> extends StreamEnd<Incoming, Outgoing> implements StreamListener {
  readonly #home: CallHome;
  readonly #facts: Http2CallFacts;
  readonly #incoming: IncomingMessages;

  constructor(home: CallHome, method: StreamMethod<Incoming, Outgoing>) {
    const { maxMessageBytes } = home;
    const { path } = method;
    super({
      incoming: { path, codec: method.request, maxMessageBytes },
      outgoing: { path, codec: method.response, maxMessageBytes },
    });
    this.#home = home;
    this.#facts = new Http2CallFacts(home, (error) => this.fail(error));
    this.#incoming = new IncomingMessages(home.stream, {
      path,
      maxMessageBytes,
      encoding: home.head.encoding,
      share: home.share,
      windowBytes: http2Limits.streamWindowBytes,
      nowMs: home.nowMs,
      onMessage: (bytes) => {
        this.#incoming.kept(bytes.length);
        this.inbox.push(bytes);
      },
      onShed: (error) => this.fail(error),
    });
  }

  /** What its headers take. */
  keep(headerBytes: number): void {
    this.#incoming.hold(headerBytes);
  }

  /** Runs the handler to its end, which ends the call. */
  async serve(handler: StreamHandler<Incoming, Outgoing>): Promise<void> {
    const served = new ServedCall(this.#facts);
    try {
      await handler(this, served);
      this.#conclude(served.succeeded());
    } catch (error) {
      this.#conclude(served.failed(error));
    }
  }

  onHeaders(): void {
    this.onData(new Uint8Array(0), true);
  }

  onData(bytes: Uint8Array, isEnd: boolean): void {
    try {
      this.#incoming.push(bytes);
      if (!isEnd) return;
      this.#incoming.end();
      this.inbox.end();
    } catch (error) {
      this.fail(RpcError.from(error));
    }
  }

  onSent(bodyBytes: number): void {
    this.left(bodyBytes);
  }

  onClosed(): void {
    this.#over(() => new RpcError('CANCELLED', 'the call has ended'));
  }

  onFailure(failure: StreamFailure): void {
    this.#over(() => lostCall(failure));
  }

  override fail(error: RpcError): void {
    this.#conclude(failureOutcome(error));
    this.#over(() => error);
  }

  protected override send(bytes: Uint8Array): void {
    this.#facts.sendHeaders();
    this.#home.stream.send(messagePrefix(bytes.length), bytes);
  }

  protected override onTaken(byteLength: number): void {
    this.#incoming.taken(byteLength);
  }

  /** Sends the status behind all messages. */
  #conclude(outcome: Outcome): void {
    this.endWriting();
    sendOutcome(this.#home.stream, outcome, this.#facts.hasHeaders);
  }

  #over(reason: () => RpcError): void {
    if (this.over.aborted) return;
    const failure = reason();
    this.finish(failure);
    this.#incoming.close();
    this.#facts.lost(() => failure);
  }
}
