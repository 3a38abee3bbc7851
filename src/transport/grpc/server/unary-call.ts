import { initialWindowBytes } from '../../http2/frames/frame.ts';
import type { StreamFailure, StreamListener } from '../../http2/stream.ts';
import { decodeMessage, encodeMessage, type MessageFormat } from '../../message.ts';
import type { UnaryHandler, UnaryMethod } from '../../rpc.ts';
import { failureOutcome, type Outcome, ServedCall } from '../../served-call.ts';
import { RpcError } from '../../status.ts';
import { IncomingMessages } from '../incoming-messages.ts';
import { messagePrefix } from '../message-prefix.ts';
import { type CallHome, Http2CallFacts, lostCall } from './call-facts.ts';
import { sendOutcome } from './response-fields.ts';

/** A unary call at the server: one message in, one message out. */
export class UnaryCall<Request, Response> implements StreamListener {
  readonly #home: CallHome;
  readonly #method: UnaryMethod<Request, Response>;
  readonly #handler: UnaryHandler<Request, Response>;
  readonly #facts: Http2CallFacts;
  readonly #incoming: IncomingMessages;
  #request: Uint8Array | undefined;
  /** The answer waits for the client, and with it the end of the call. */
  #isAnswerWaiting = false;

  constructor(home: CallHome, method: UnaryMethod<Request, Response>, handler: UnaryHandler<Request, Response>) {
    this.#home = home;
    this.#method = method;
    this.#handler = handler;
    this.#facts = new Http2CallFacts(home, (error) => this.#refuse(error));
    this.#incoming = new IncomingMessages(home.stream, {
      path: method.path,
      maxMessageBytes: home.maxMessageBytes,
      encoding: home.head.encoding,
      share: home.share,
      windowBytes: initialWindowBytes,
      nowMs: home.nowMs,
      onMessage: (bytes) => this.#onMessage(bytes),
      onShed: (error) => this.#refuse(error),
    });
  }

  /** What its headers take. */
  keep(headerBytes: number): void {
    this.#incoming.hold(headerBytes);
  }

  /** Trailers of a request have no meaning for gRPC. */
  onHeaders(): void {
    this.onData(new Uint8Array(0), true);
  }

  onData(bytes: Uint8Array, isEnd: boolean): void {
    try {
      this.#incoming.push(bytes);
      if (!isEnd) return;
      this.#incoming.end();
      if (!this.#request) throw new RpcError('INTERNAL', `${this.#method.path} was called without a message`);
      void this.#serve(this.#request);
    } catch (error) {
      this.#refuse(RpcError.from(error));
    }
  }

  onSent(): void {
    this.#isAnswerWaiting = false;
  }

  onClosed(): void {
    this.#incoming.close();
    this.#facts.ended();
  }

  onFailure(failure: StreamFailure): void {
    this.#incoming.close();
    this.#facts.lost(() => lostCall(failure));
  }

  #onMessage(bytes: Uint8Array): void {
    if (this.#request) throw new RpcError('INTERNAL', `${this.#method.path} was called with more than one message`);
    this.#request = bytes;
    this.#incoming.hold(bytes.length);
  }

  async #serve(bytes: Uint8Array): Promise<void> {
    const served = new ServedCall(this.#facts);
    this.#incoming.serve();
    try {
      const request = decodeMessage(this.#format(this.#method.request), bytes);
      const response = await this.#handler(request, served);
      const answer = encodeMessage(this.#format(this.#method.response), response);
      this.#incoming.endServing(bytes.length);
      this.#facts.sendHeaders();
      this.#isAnswerWaiting = true;
      this.#home.stream.send(messagePrefix(answer.length), answer);
      this.#conclude(served.succeeded());
      if (this.#isAnswerWaiting) this.#incoming.holdAnswer(answer.length);
    } catch (error) {
      this.#conclude(served.failed(error));
    }
  }

  #format<T>(codec: MessageFormat<T>['codec']): MessageFormat<T> {
    return { path: this.#method.path, codec, maxMessageBytes: this.#home.maxMessageBytes };
  }

  #conclude(outcome: Outcome): void {
    sendOutcome(this.#home.stream, outcome, this.#facts.hasHeaders);
  }

  /** Ends the call with an error, and with it what its handler still does. */
  #refuse(error: RpcError): void {
    this.#facts.lost(() => error);
    if (!this.#isAnswerWaiting) {
      this.#conclude(failureOutcome(error));
    } else {
      // Its status would wait behind it. The call had its effect, so it is not refused.
      this.#home.stream.reset('CANCEL');
      this.#incoming.close();
    }
  }
}
