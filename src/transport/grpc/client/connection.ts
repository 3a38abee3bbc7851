import type { Socket } from 'node:net';
import { SequenceRing } from '../../../base/sequence-ring.ts';
import { cancellationBy } from '../../cancellation.ts';
import { failedStream } from '../../failed-stream.ts';
import { Http2Connection } from '../../http2/connection.ts';
import { initialWindowBytes } from '../../http2/frames/frame.ts';
import { http2Limits } from '../../http2/limits.ts';
import { decodeMessage, encodeMessage } from '../../message.ts';
import type { CallOptions, ClientStream, Connection, ConnectOptions, StreamMethod, UnaryMethod } from '../../rpc.ts';
import { RpcError } from '../../status.ts';
import { Deadlines } from '../deadlines.ts';
import { keepalive, nowMs, tendEveryMs } from '../machine-clock.ts';
import { messagePrefix } from '../message-prefix.ts';
import { ReceiveBudget } from '../receive-budget.ts';
import { ClientCall, type ClientHome } from './client-call.ts';
import { GrpcClientStream } from './client-stream.ts';
import { RequestFields } from './request-fields.ts';

/** The server is the one that this side chose, so only its calls' own limits hold. */
const heldBytesMax = Number.POSITIVE_INFINITY;

/** A client's connection. It is given up, not reconnected, when it is lost. */
export class GrpcConnection implements Connection {
  readonly #http2: Http2Connection;
  readonly #options: ConnectOptions;
  readonly #home: ClientHome;
  readonly #fields: RequestFields;
  readonly #draining = new AbortController();
  readonly #closed = new AbortController();
  readonly #calls = new Set<ClientCall>();
  readonly #waiting = new SequenceRing<ClientCall>();
  readonly #tending: NodeJS.Timeout;

  /** `onReady` is called once the server has spoken HTTP/2, `onFailed` if it does not. */
  constructor(socket: Socket, address: string, options: ConnectOptions, onReady: () => void) {
    this.#options = options;
    this.#fields = new RequestFields(address, options);
    this.#home = {
      address,
      maxMessageBytes: options.maxMessageBytes,
      share: new ReceiveBudget(heldBytesMax).open(() => {}),
      deadlines: new Deadlines(nowMs),
      nowMs,
      forget: (call) => this.#forget(call),
    };
    this.#http2 = new Http2Connection(socket, {
      role: 'client',
      nowMs,
      concurrentStreams: 0,
      onReady,
      onRoom: () => this.#startWaiting(),
      onGoaway: () => this.#draining.abort(),
      onClosed: (reason) => this.#onClosed(reason),
    });
    this.#tending = setInterval(() => this.#http2.tend(keepalive.client), tendEveryMs).unref();
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
    const { path } = method;
    const { maxMessageBytes } = this.#options;
    const bytes = encodeMessage({ path, codec: method.request, maxMessageBytes }, request);
    const response = await this.#unaryBytes(path, bytes, options);
    return decodeMessage({ path, codec: method.response, maxMessageBytes }, response);
  }

  stream<Request, Response>(
    method: StreamMethod<Request, Response>,
    options: CallOptions = {},
  ): ClientStream<Response, Request> {
    const { path } = method;
    const { maxMessageBytes } = this.#options;
    const fields = this.#fields.of(path, options);
    const refusal = this.#refusal(options);
    if (refusal) return failedStream(refusal);
    let call: ClientCall | undefined;
    const formats = {
      incoming: { path, codec: method.response, maxMessageBytes },
      outgoing: { path, codec: method.request, maxMessageBytes },
    };
    const stream = new GrpcClientStream<Response, Request>(formats, (end) => {
      call = new ClientCall(this.#home, {
        ...options,
        path,
        fields,
        windowBytes: http2Limits.streamWindowBytes,
        onStarted: (started) => end.onStarted(started),
        onMessage: (bytes) => end.onMessage(bytes),
        onSent: (bodyBytes) => end.onSent(bodyBytes),
        onStatus: (status) => end.onStatus(status),
      });
      return call;
    });
    if (call) this.#start(call);
    return stream;
  }

  close(): void {
    this.#draining.abort();
    const failure = new RpcError('UNAVAILABLE', `the connection to ${this.#home.address} was closed here`);
    for (const call of [...this.#calls]) call.fail(failure);
    this.#http2.destroy('the client closed the connection');
  }

  #unaryBytes(path: string, request: Uint8Array, options: CallOptions): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const refusal = this.#refusal(options);
      if (refusal) return reject(refusal);
      let response: Uint8Array | undefined;
      const call = new ClientCall(this.#home, {
        ...options,
        path,
        fields: this.#fields.of(path, options),
        windowBytes: initialWindowBytes,
        onStarted: (stream) => stream.send(messagePrefix(request.length), request, true),
        onMessage(bytes) {
          if (response) throw new RpcError('INTERNAL', `${path} was answered with more than one message`);
          response = bytes;
        },
        onSent() {},
        onStatus({ error }) {
          if (error) reject(error);
          else if (response) resolve(response);
          else reject(new RpcError('INTERNAL', `${path} was answered without a message`));
        },
      });
      this.#start(call);
    });
  }

  #refusal({ signal }: CallOptions): RpcError | undefined {
    if (signal?.aborted) return cancellationBy(signal);
    const { address } = this.#home;
    if (this.draining.aborted || !this.#http2.takesStreams) {
      return new RpcError('UNAVAILABLE', `the connection to ${address} takes no new calls`);
    }
    if (this.#waiting.size < http2Limits.waitingCalls) return undefined;
    const { waitingCalls } = http2Limits;
    return new RpcError(
      'RESOURCE_EXHAUSTED',
      `${waitingCalls} calls wait for a place at ${address}, which is the limit`,
    );
  }

  /** Begins a call now, or once there is room. */
  #start(call: ClientCall): void {
    this.#calls.add(call);
    this.#waiting.push(call);
    this.#startWaiting();
  }

  #startWaiting(): void {
    while (this.#waiting.size > 0 && this.#http2.hasRoom) {
      const call = this.#waiting.delete(this.#waiting.first);
      if (!call || call.isOver) continue;
      if (this.#http2.takesStreams) call.start(this.#http2.openStream());
      else call.fail(new RpcError('UNAVAILABLE', `the connection to ${this.#home.address} takes no new calls`));
    }
  }

  #forget(call: ClientCall): void {
    this.#calls.delete(call);
  }

  #onClosed(reason: string): void {
    clearInterval(this.#tending);
    this.#draining.abort();
    const failure = new RpcError('UNAVAILABLE', `the connection to ${this.#home.address} was lost: ${reason}`);
    for (const call of [...this.#calls]) call.fail(failure);
    this.#closed.abort();
  }
}
