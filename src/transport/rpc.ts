import type { ReadyIterator } from '../base/async/ready-iterator.ts';
import type { Fault, Metadata, RpcError } from './status.ts';

/**
 * RPC over HTTP/2, as Meridian's parts use it. `grpc/` implements it on sockets, over the HTTP/2 of `http2/`; `src/simulation` implements
 * an in-process network on any scheduler.
 */

export interface Codec<T> {
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
  /** Why bytes are refused before decoding, which may take many times their memory. Absent: never. */
  faultOf?(bytes: Uint8Array): Fault | undefined;
  /** Why a message is refused before it is handled. Absent: never. */
  faultIn?(message: T): Fault | undefined;
}

export type MethodKind = 'unary' | 'server_streaming' | 'bidi_streaming';

/** One method of a service: its path on the wire, `/package.Service/Method`, and the encoding of its messages. */
export interface Method<Request, Response, Kind extends MethodKind = MethodKind> {
  readonly path: string;
  readonly kind: Kind;
  readonly request: Codec<Request>;
  readonly response: Codec<Response>;
}

export type UnaryMethod<Request, Response> = Method<Request, Response, 'unary'>;
export type StreamMethod<Request, Response> = Method<Request, Response, 'server_streaming' | 'bidi_streaming'>;

/** The other end: its address, and the name that its credential proves, if it presented one. */
export interface Peer {
  readonly address: string;
  readonly principal: string | undefined;
}

/** What a handler knows about its call. */
export interface CallContext {
  readonly metadata: Metadata;
  readonly peer: Peer;
  /** Milliseconds until the caller's deadline, if it set one. */
  readonly timeoutMs: number | undefined;
  /** Aborts when the caller cancels, its deadline passes or the connection is lost. */
  readonly signal: AbortSignal;
  /** Sends the response headers at once, which tell the caller that the call is accepted. Otherwise they go with the first message. */
  accept(): void;
  /** Sent after the last message, with the status. */
  setTrailer(key: string, value: string): void;
}

/**
 * One side of a stream. Iterating yields the peer's messages, and ends when the peer half-closes (at a client: with status OK). It throws
 * RpcError at once when the call fails, even before all messages were taken. It may be iterated once. After a reader leaves the iteration
 * early, later messages are discarded.
 */
export interface RpcStream<Incoming, Outgoing> {
  [Symbol.asyncIterator](): ReadyIterator<Incoming>;
  /** Queues a message, or drops it once the stream is over. Returns `queuedBytes`. */
  write(message: Outgoing): number;
  /** Messages that the transport could not pass on yet, in bytes of memory: one kibibyte more than each message has. */
  readonly queuedBytes: number;
  /** Resolves once `queuedBytes` is at most `thresholdBytes` (0 when absent), or the stream is over. */
  drained(thresholdBytes?: number): Promise<void>;
  /** Aborts when the call ends; on a client after success, once all messages were read. */
  readonly over: AbortSignal;
}

/** The client's side. It may half-close and cancel. */
export interface ClientStream<Incoming, Outgoing> extends RpcStream<Incoming, Outgoing> {
  /** Half-closes: this side sends no more messages. */
  end(): void;
  /** Ends the call. The iteration here then fails with `reason`, or with CANCELLED. */
  cancel(reason?: RpcError): void;
  /** Available once the call is over. */
  readonly trailers: Metadata;
}

export interface CallOptions {
  /** The call fails with DEADLINE_EXCEEDED after this long. Absent: no deadline. */
  readonly timeoutMs?: number;
  readonly metadata?: Metadata;
  readonly signal?: AbortSignal;
}

/** One connection to a server. It never reconnects by itself: its owner does, with its own backoff. */
export interface Connection {
  /** @throws RpcError with the status of the call; UNAVAILABLE if the connection is lost. */
  unary<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): Promise<Response>;
  stream<Request, Response>(
    method: StreamMethod<Request, Response>,
    options?: CallOptions,
  ): ClientStream<Response, Request>;
  /** Aborts when the server takes no new calls. Calls in progress continue. */
  readonly draining: AbortSignal;
  /** Aborts when the connection is lost, after every call on it has failed. */
  readonly closed: AbortSignal;
  close(): void;
}

export type UnaryHandler<Request, Response> = (request: Request, call: CallContext) => Promise<Response>;
/** The call ends with OK when the promise resolves, and with the RpcError of a rejection. */
export type StreamHandler<Request, Response> = (
  stream: RpcStream<Request, Response>,
  call: CallContext,
) => Promise<void>;

/** A method and its handler. `serveUnary` and `serveStream` make it and keep the types consistent. */
export type Route = (
  | { readonly kind: 'unary'; readonly method: UnaryMethod<never, never>; readonly handler: UnaryHandler<never, never> }
  | {
      readonly kind: 'stream';
      readonly method: StreamMethod<never, never>;
      readonly handler: StreamHandler<never, never>;
    }
) & {
  /** Served to every caller: `authorize` is not asked, and the call proves nothing of its connection. */
  readonly isForAnybody?: true;
};

export function serveUnary<Request, Response>(
  method: UnaryMethod<Request, Response>,
  handler: UnaryHandler<Request, Response>,
): Route {
  return { kind: 'unary', method, handler } as unknown as Route;
}

export function serveStream<Request, Response>(
  method: StreamMethod<Request, Response>,
  handler: StreamHandler<Request, Response>,
): Route {
  return { kind: 'stream', method, handler } as unknown as Route;
}

export function forAnybody(route: Route): Route {
  return { ...route, isForAnybody: true };
}

export interface TlsFiles {
  /** PEM texts, not paths. */
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
}

/** An HTTP proxy that opens tunnels by CONNECT: https://www.rfc-editor.org/rfc/rfc9110#name-connect */
export interface ProxyServer {
  readonly host: string;
  readonly port: number;
  /** `user:password` for basic authentication. Only `reveal` shows it. */
  readonly credentials?: { reveal(): string } | undefined;
}

export interface ConnectOptions {
  /** Connecting fails with RpcError UNAVAILABLE after this long. */
  readonly timeoutMs: number;
  /** Absent: plaintext. */
  readonly tls?: TlsFiles;
  /** Absent: a direct connection, even if the environment names a proxy. */
  readonly proxy?: ProxyServer | undefined;
  /** Sent with every call, such as an authorization header. */
  readonly metadata?: Metadata;
  /** A larger message from the server fails its call with RESOURCE_EXHAUSTED. */
  readonly maxMessageBytes: number;
}

/** Limits of concurrent callers. Every refusal names limit and value. */
export interface ConnectionLimits {
  readonly connections: number;
  /** Connections without an accepted call. One more closes the oldest of them. */
  readonly unprovenConnections: number;
  /** Connections of one principal, or of all callers if the listener authenticates none. */
  readonly connectionsPerPrincipal: number;
  /** Calls on one connection. More wait at the client. */
  readonly callsPerConnection: number;
  /** Calls on all connections. More are refused. */
  readonly calls: number;
  /** Received messages that are incomplete, or complete and unread, on all connections. More end the call that holds most of them. */
  readonly heldBytes: number;
}

export interface ListenOptions {
  readonly routes: readonly Route[];
  readonly maxMessageBytes: number;
  /**
   * Absent: plaintext. With a CA, clients are asked for a certificate. If it is invalid or expires, the client's calls fail with
   * UNAUTHENTICATED and say why. A client without a certificate has no principal.
   */
  readonly tls?: TlsFiles;
  /** Absent: only memory limits them. An in-process network has no strangers, and no limits. */
  readonly connectionLimits?: ConnectionLimits;
  /**
   * Authorizes every call by its headers, before any of its message is read, and returns the caller's principal.
   * @throws RpcError with the status for a refused caller.
   */
  readonly authorize?: (call: Pick<CallContext, 'peer' | 'metadata'>) => string;
  /** Called for clients refused for their credential, for not speaking TLS, or by a limit. */
  readonly onRefused?: (refusal: { readonly address: string; readonly reason: string }) => void;
  /** Called for each closed connection with the client's address, as its calls gave it. */
  readonly onClosed?: (address: string) => void;
}

export interface Listener {
  /** `host:port`, with the port that was really bound. */
  readonly address: string;
  /**
   * Sets the certificate and CA of new connections. Open ones keep theirs. A listener without TLS stays without.
   * @throws RpcError INVALID_ARGUMENT if the TLS texts cannot be used. The former ones then stay.
   */
  renewTls(tls: TlsFiles): void;
  /** Takes no new calls and resolves once those in progress are over. */
  drain(): Promise<void>;
  /** Ends everything at once. */
  close(): void;
}

/** How a process connects and listens. Addresses are `host:port`; port 0 binds a free one. */
export interface Network {
  /**
   * @throws RpcError UNAVAILABLE if the first attempt fails or nothing answers in time. Its cause is a CertificateError if the server's
   * certificate is the reason, and a ProxyError if the proxy is. INVALID_ARGUMENT if the TLS texts cannot be used.
   */
  connect(address: string, options: ConnectOptions): Promise<Connection>;
  /**
   * @throws RpcError ALREADY_EXISTS if the address is taken, UNAVAILABLE if it cannot be bound for another reason, INVALID_ARGUMENT if the
   * TLS texts cannot be used.
   */
  listen(address: string, options: ListenOptions): Promise<Listener>;
}
