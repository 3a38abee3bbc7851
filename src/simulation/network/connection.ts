import { cancellationBy } from '../../transport/cancellation.ts';
import { failedStream } from '../../transport/failed-stream.ts';
import { encodeMessage } from '../../transport/message.ts';
import { checkMetadata } from '../../transport/metadata.ts';
import type {
  CallOptions,
  ClientStream,
  Connection,
  ConnectOptions,
  Method,
  Peer,
  StreamMethod,
  UnaryMethod,
} from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';
import { MemoryClientStream } from './client-stream.ts';
import type { CallerFrame, ServerFrame } from './frames.ts';
import { type Link, Pipe } from './link.ts';
import type { MemoryListener, Session } from './listener.ts';
import type { MemoryServerStream } from './server-stream.ts';

interface OpenCall {
  fail(error: RpcError): void;
}

/** The client's side of an in-process connection. */
export class MemoryConnection implements Connection {
  readonly #link: Link;
  readonly #listener: MemoryListener;
  readonly #session: Session;
  readonly #options: ConnectOptions;
  readonly #draining = new AbortController();
  readonly #closed = new AbortController();
  readonly #calls = new Set<OpenCall>();

  constructor(link: Link, listener: MemoryListener, peer: Peer, options: ConnectOptions) {
    this.#link = link;
    this.#listener = listener;
    this.#options = options;
    const goAway = new Pipe<void>(link, () => this.#drain());
    this.#session = { link, peer, goAway: () => goAway.send() };
    listener.accept(this.#session);
    link.onCut(() => this.#end(new RpcError('UNAVAILABLE', `the connection to ${listener.address} was lost`)));
  }

  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  async unary<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    options: CallOptions = {},
  ): Promise<Response> {
    encodeMessage(
      { path: method.path, codec: method.request, maxMessageBytes: this.#options.maxMessageBytes },
      request,
    );
    const stream = this.#open(method, options);
    stream.write(request);
    stream.end();
    let answer: { readonly response: Response } | undefined;
    for await (const response of stream) answer = { response };
    if (!answer) throw new RpcError('INTERNAL', `${method.path} was answered without a message`);
    return answer.response;
  }

  stream<Request, Response>(
    method: StreamMethod<Request, Response>,
    options: CallOptions = {},
  ): ClientStream<Response, Request> {
    return this.#open(method, options);
  }

  close(): void {
    this.#end(new RpcError('UNAVAILABLE', `the connection to ${this.#listener.address} was closed here`));
    this.#link.cut();
  }

  #open<Request, Response>(method: Method<Request, Response>, options: CallOptions): ClientStream<Response, Request> {
    const refusal = this.#refusal(options);
    if (refusal) return failedStream(refusal);
    const metadata = checkMetadata({ ...this.#options.metadata, ...options.metadata });
    const { stream, toServer } = this.#wire(method);
    toServer.send({ kind: 'open', path: method.path, metadata, timeoutMs: options.timeoutMs });
    this.#remember(stream, method.path, options);
    return stream;
  }

  /** Connects the two directions of a call. The writer learns at once what the reader took, since that is not a message. */
  #wire<Request, Response>(method: Method<Request, Response>) {
    let server: MemoryServerStream<unknown, unknown> | undefined;
    const toClient = new Pipe<ServerFrame>(this.#link, (frame) => {
      stream.receive(frame);
      if (frame.kind === 'status') server?.statusArrived();
    });
    const caller = {
      send: (frame: ServerFrame) => toClient.send(frame),
      taken: (byteLength: number) => stream.takenByServer(byteLength),
    };
    const toServer = new Pipe<CallerFrame>(this.#link, (frame) => {
      if (frame.kind === 'open') server = this.#listener.serve(this.#session, frame, caller);
      else server?.receive(frame);
    });
    const { path } = method;
    const { maxMessageBytes } = this.#options;
    const stream = new MemoryClientStream<Response, Request>(
      {
        incoming: { path, codec: method.response, maxMessageBytes },
        outgoing: { path, codec: method.request, maxMessageBytes },
      },
      { send: (frame) => toServer.send(frame), taken: (byteLength) => server?.takenByCaller(byteLength) },
    );
    return { stream, toServer };
  }

  #refusal(options: CallOptions): RpcError | undefined {
    if (options.signal?.aborted) return cancellationBy(options.signal);
    if (this.draining.aborted)
      return new RpcError('UNAVAILABLE', `the connection to ${this.#listener.address} takes no new calls`);
    return undefined;
  }

  #remember(call: OpenCall & ClientStream<unknown, never>, path: string, { signal, timeoutMs }: CallOptions): void {
    const cancel = (): void => call.cancel(signal && cancellationBy(signal));
    const deadline =
      timeoutMs === undefined
        ? undefined
        : this.#link.scheduler.setTimer(timeoutMs, () => {
            call.fail(new RpcError('DEADLINE_EXCEEDED', `${path} took longer than ${timeoutMs} ms`));
          });
    const forget = (): void => {
      deadline?.cancel();
      signal?.removeEventListener('abort', cancel);
      this.#calls.delete(call);
      this.#closeWhenIdle();
    };
    this.#calls.add(call);
    signal?.addEventListener('abort', cancel, { once: true });
    call.over.addEventListener('abort', forget, { once: true });
  }

  #drain(): void {
    if (this.draining.aborted) return;
    this.#draining.abort();
    this.#closeWhenIdle();
  }

  #end(reason: RpcError): void {
    this.#drain();
    for (const call of [...this.#calls]) call.fail(reason);
  }

  #closeWhenIdle(): void {
    if (!this.draining.aborted || this.#calls.size > 0 || this.closed.aborted) return;
    this.#closed.abort();
    this.#link.cut();
  }
}
