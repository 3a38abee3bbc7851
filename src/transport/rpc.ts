import type { Fault, Metadata, RpcError } from './status.ts';

/**
 * RPC over HTTP/2, as Meridian's parts see it. No type of a gRPC library crosses this file.
 * `grpc/` implements it with grpc-js; `memory/` with a network inside the process, on any scheduler.
 */

export interface Codec<T> {
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
  /** Why bytes are refused before they are decoded, which may take many times their memory; absent: never. */
  faultOf?(bytes: Uint8Array): Fault | undefined;
  /** Why a message is refused before it is handled; absent: never. */
  faultIn?(message: T): Fault | undefined;
}

export type MethodKind = 'unary' | 'server_streaming' | 'bidi_streaming';

/** One method of a service: its path on the wire, `/package.Service/Method`, and how its messages are encoded. */
export interface Method<Request, Response, Kind extends MethodKind = MethodKind> {
  readonly path: string;
  readonly kind: Kind;
  readonly request: Codec<Request>;
  readonly response: Codec<Response>;
}

export type UnaryMethod<Request, Response> = Method<Request, Response, 'unary'>;
export type StreamMethod<Request, Response> = Method<Request, Response, 'server_streaming' | 'bidi_streaming'>;

/** Who is at the other end: its address, and the name its credential proves, if it presented one. */
export interface Peer {
  readonly address: string;
  readonly principal: string | undefined;
}

/** What a handler knows about the call it serves. */
export interface CallContext {
  readonly metadata: Metadata;
  readonly peer: Peer;
  /** Milliseconds that the caller still waits, when it gave a deadline. */
  readonly timeoutMs: number | undefined;
  /** Aborts when the caller cancels, its deadline passes or the connection is lost. */
  readonly signal: AbortSignal;
  /** Tells the caller at once, by the response headers, that the call stands; they would else go with the first message. */
  accept(): void;
  /** Sent after the last message, with the status. */
  setTrailer(key: string, value: string): void;
}

/**
 * One side of a stream. Iterating yields the peer's messages, ends when the peer half-closes (at a client: with status OK)
 * and throws RpcError at once when the call fails, even if messages were not taken yet. It may be iterated once; who leaves
 * the iteration early wants no more, and what still comes is discarded.
 */
export interface RpcStream<Incoming, Outgoing> extends AsyncIterable<Incoming> {
  /** Queues a message; after the stream is over it is dropped. Returns `queuedBytes`. */
  write(message: Outgoing): number;
  /** What was written and the transport could not pass on yet, in bytes of memory: a kibibyte more than each message has. */
  readonly queuedBytes: number;
  /** Resolves once `queuedBytes` is at most `thresholdBytes` (0 when absent), or the stream is over. */
  drained(thresholdBytes?: number): Promise<void>;
  /** Aborts when the call is over, in whatever way; at a client that is told of success, once it has taken the messages. */
  readonly over: AbortSignal;
}

/** The client's side: it may half-close and cancel. */
export interface ClientStream<Incoming, Outgoing> extends RpcStream<Incoming, Outgoing> {
  /** Says that no more messages come from this side. */
  end(): void;
  /** Ends the call; the iteration here then fails with `reason`, or with CANCELLED. */
  cancel(reason?: RpcError): void;
  /** Available once the call is over. */
  readonly trailers: Metadata;
}

export interface CallOptions {
  /** The call fails with DEADLINE_EXCEEDED after this long; absent, it may take for ever. */
  readonly timeoutMs?: number;
  readonly metadata?: Metadata;
  readonly signal?: AbortSignal;
}

/** One connection to a server. It never reconnects by itself: that is for its owner, with the owner's own backoff. */
export interface Connection {
  /** @throws RpcError with the status of the call; UNAVAILABLE when the connection is gone. */
  unary<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): Promise<Response>;
  stream<Request, Response>(
    method: StreamMethod<Request, Response>,
    options?: CallOptions,
  ): ClientStream<Response, Request>;
  /** Aborts when the server takes no new calls; those under way go on. */
  readonly draining: AbortSignal;
  /** Aborts when the connection is gone, after every call on it has failed. */
  readonly closed: AbortSignal;
  close(): void;
}

export type UnaryHandler<Request, Response> = (request: Request, call: CallContext) => Promise<Response>;
/** The call ends with OK when the promise resolves, and with the RpcError that it rejects with. */
export type StreamHandler<Request, Response> = (
  stream: RpcStream<Request, Response>,
  call: CallContext,
) => Promise<void>;

/** A method together with what serves it; made by `serveUnary` and `serveStream`, which keep the types in step. */
export type Route =
  | { readonly kind: 'unary'; readonly method: UnaryMethod<never, never>; readonly handler: UnaryHandler<never, never> }
  | {
      readonly kind: 'stream';
      readonly method: StreamMethod<never, never>;
      readonly handler: StreamHandler<never, never>;
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
  /** `user:password` for basic authentication, which only `reveal` shows. */
  readonly credentials?: { reveal(): string } | undefined;
}

export interface ConnectOptions {
  /** Gives up with RpcError UNAVAILABLE after this long. */
  readonly timeoutMs: number;
  /** Absent: plaintext. */
  readonly tls?: TlsFiles;
  /** Absent: directly, whatever proxy the environment of the process names. */
  readonly proxy?: ProxyServer | undefined;
  /** Sent with every call, such as an authorization header. */
  readonly metadata?: Metadata;
  /** A larger message from the server fails its call with RESOURCE_EXHAUSTED. */
  readonly maxMessageBytes: number;
}

/** How many may call at once; every refusal names limit and value. */
export interface ConnectionLimits {
  readonly connections: number;
  /** Connections on which no call was accepted yet: one more ends the oldest of them. */
  readonly unprovenConnections: number;
  /** Connections of one principal, or of all callers of a listener that asks for none. */
  readonly connectionsPerPrincipal: number;
  /** Calls on one connection; more wait at the client. */
  readonly callsPerConnection: number;
  /** Calls on all connections; more are refused. */
  readonly calls: number;
}

export interface ListenOptions {
  readonly routes: readonly Route[];
  readonly maxMessageBytes: number;
  /**
   * Absent: plaintext. With a CA, clients are asked for a certificate: the calls of one whose certificate does not hold, or no
   * longer does, fail with UNAUTHENTICATED and say why; one that presents none has no principal.
   */
  readonly tls?: TlsFiles;
  /** Absent: only memory limits them. A network inside the process has no strangers, and no limits. */
  readonly connectionLimits?: ConnectionLimits;
  /**
   * Judges every call by its headers, before anything of a message is read, and returns the principal of its caller.
   * @throws RpcError with the status for a caller that is refused.
   */
  readonly authorize?: (call: Pick<CallContext, 'peer' | 'metadata'>) => string;
  /** Hears of clients that were turned away for what they presented, for not speaking TLS, or by a limit. */
  readonly onRefused?: (refusal: { readonly address: string; readonly reason: string }) => void;
  /** Hears of each connection that is over, by the address of the client as its calls gave it. */
  readonly onClosed?: (address: string) => void;
}

export interface Listener {
  /** `host:port`, with the port that was really bound. */
  readonly address: string;
  /**
   * Shows and trusts these from the next connection on; those that are open go on. A listener without TLS stays without.
   * @throws RpcError INVALID_ARGUMENT when the TLS texts cannot be used; the former ones then stay.
   */
  renewTls(tls: TlsFiles): void;
  /** Takes no new calls and resolves when those under way are over. */
  drain(): Promise<void>;
  /** Ends everything at once. */
  close(): void;
}

/** How a process reaches others and is reached. Addresses are `host:port`; port 0 binds a free one. */
export interface Network {
  /**
   * @throws RpcError UNAVAILABLE when the first attempt fails and when nothing answers in time, with a CertificateError as
   * its cause when the server's certificate is the reason and a ProxyError when the proxy is; INVALID_ARGUMENT when the TLS texts cannot be used.
   */
  connect(address: string, options: ConnectOptions): Promise<Connection>;
  /**
   * @throws RpcError ALREADY_EXISTS when the address is taken, UNAVAILABLE when it cannot be bound for another reason,
   * INVALID_ARGUMENT when the TLS texts cannot be used.
   */
  listen(address: string, options: ListenOptions): Promise<Listener>;
}
