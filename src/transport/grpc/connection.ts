import { type Client, connectivityState, type Metadata as GrpcMetadata } from '@grpc/grpc-js';
import { cancellationBy, cancelled } from '../cancellation.ts';
import { failedStream } from '../failed-stream.ts';
import { decodeMessage, encodeMessage } from '../message.ts';
import type { CallOptions, ClientStream, Connection, ConnectOptions, StreamMethod, UnaryMethod } from '../rpc.ts';
import { RpcError } from '../status.ts';
import { GrpcClientStream } from './client-stream.ts';
import { asBuffer, passBytes } from './duplex-end.ts';
import { errorFromStatus, toGrpcMetadata } from './status.ts';

interface OpenCall {
  fail(error: RpcError): void;
}

/** A ready grpc-js client that is given up, not reconnected, when it leaves READY. */
export class GrpcConnection implements Connection {
  readonly #client: Client;
  readonly #address: string;
  readonly #options: ConnectOptions;
  readonly #draining = new AbortController();
  readonly #closed = new AbortController();
  readonly #calls = new Set<OpenCall>();

  constructor(client: Client, address: string, options: ConnectOptions) {
    this.#client = client;
    this.#address = address;
    this.#options = options;
    client.getChannel().watchConnectivityState(connectivityState.READY, Number.POSITIVE_INFINITY, () => this.#drain());
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
    const refusal = this.#refusal(options);
    if (refusal) return failedStream(refusal);
    const { path } = method;
    const { maxMessageBytes } = this.#options;
    const metadata = this.#metadata(options);
    const call = this.#client.makeBidiStreamRequest(path, passBytes, passBytes, metadata, deadlineOf(options));
    const stream = new GrpcClientStream(call, {
      incoming: { path, codec: method.response, maxMessageBytes },
      outgoing: { path, codec: method.request, maxMessageBytes },
    });
    const forget = this.#remember(stream, options.signal);
    stream.over.addEventListener('abort', forget, { once: true });
    return stream;
  }

  close(): void {
    this.#drain();
    for (const call of this.#calls)
      call.fail(new RpcError('UNAVAILABLE', `the connection to ${this.#address} was closed here`));
  }

  #unaryBytes(path: string, request: Uint8Array, options: CallOptions): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const refusal = this.#refusal(options);
      if (refusal) return reject(refusal);
      const metadata = this.#metadata(options);
      const call = this.#client.makeUnaryRequest(
        path,
        passBytes,
        passBytes,
        asBuffer(request),
        metadata,
        deadlineOf(options),
        (error, response) => {
          forget();
          if (response) resolve(response);
          else
            reject(error ? errorFromStatus(error) : new RpcError('INTERNAL', `${path} was answered without a message`));
        },
      );
      const forget = this.#remember(
        {
          fail(failure) {
            forget();
            reject(failure);
            call.cancel();
          },
        },
        options.signal,
      );
    });
  }

  #metadata(options: CallOptions): GrpcMetadata {
    return toGrpcMetadata({ ...this.#options.metadata, ...options.metadata });
  }

  #refusal(options: CallOptions): RpcError | undefined {
    if (options.signal?.aborted) return cancellationBy(options.signal);
    if (this.draining.aborted)
      return new RpcError('UNAVAILABLE', `the connection to ${this.#address} takes no new calls`);
    return undefined;
  }

  #remember(call: OpenCall, signal: AbortSignal | undefined): () => void {
    const cancel = (): void => call.fail(signal ? cancellationBy(signal) : cancelled());
    this.#calls.add(call);
    signal?.addEventListener('abort', cancel, { once: true });
    return () => {
      signal?.removeEventListener('abort', cancel);
      this.#calls.delete(call);
      this.#closeWhenIdle();
    };
  }

  #drain(): void {
    if (this.draining.aborted) return;
    this.#client.close();
    this.#draining.abort();
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (this.draining.aborted && this.#calls.size === 0) this.#closed.abort();
  }
}

function deadlineOf(options: CallOptions): { deadline?: number } {
  return options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs };
}
