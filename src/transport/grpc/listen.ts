import type { ServerOptions as Http2ServerOptions } from 'node:http2';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { isLoopbackAddress } from '../../base/loopback.ts';
import { decodeMessage, encodeMessage } from '../message.ts';
import type {
  Listener,
  ListenOptions,
  Peer,
  Route,
  StreamHandler,
  StreamMethod,
  UnaryHandler,
  UnaryMethod,
} from '../rpc.ts';
import { failureOutcome, ServedCall } from '../served-call.ts';
import { RpcError } from '../status.ts';
import { type Acceptor, openAcceptor, openSecureAcceptor, type SecureAcceptor } from './acceptor.ts';
import { Connections } from './connections.ts';
import { asBuffer, passBytes } from './duplex-end.ts';
import { judgedCalls } from './judged-calls.ts';
import { type CallFromPeer, plainPeerOf, SecuredPeers } from './peer.ts';
import { GrpcServerStream, lostCall } from './server-stream.ts';
import { fromGrpcMetadata, toGrpcCode, toGrpcMetadata } from './status.ts';
import { checkedTls, serverContext } from './tls.ts';

/** More than one connection can cause in a second. */
const resetsMax = 1_000_000;

type GrpcServerCall = ServerUnaryCall<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

/** Binds the address and serves the routes on it. */
export async function listen(address: string, options: ListenOptions): Promise<Listener> {
  const connections = new Connections(options);
  const peers = new SecuredPeers(options.onRefused);
  const identify: Identify = options.tls ? (call) => peers.peerOf(call) : plainPeerOf;
  const { callsPerConnection } = options.connectionLimits ?? {};
  const server = new Server({
    interceptors: [judgedCalls({ ...options, connections, identify })],
    ...(callsPerConnection !== undefined && { 'grpc.max_concurrent_streams': callsPerConnection }),
    'grpc.enable_channelz': 0,
    'grpc.max_receive_message_length': options.maxMessageBytes,
    'grpc.max_send_message_length': options.maxMessageBytes,
    // Detects within a minute a client that vanished without closing its socket.
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 20_000,
  });
  if (isLoopbackAddress(address)) allowResets(server);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  for (const route of options.routes) register(server, route, { maxMessageBytes: options.maxMessageBytes, identify });
  const acceptor = await openAcceptorFor(address, options, { peers, connections }, (socket) =>
    injector.injectConnection(socket),
  );
  return {
    address: acceptor.address,
    renewTls(tls) {
      const context = serverContext(tls);
      checkedTls(() => (acceptor as Partial<SecureAcceptor>).renew?.(context));
    },
    drain() {
      acceptor.shut();
      // Its callback comes at once: closing Node's HTTP/2 server marks every session closed before its calls are over.
      server.tryShutdown(() => {});
      return acceptor.empty();
    },
    close() {
      acceptor.shut();
      server.forceShutdown();
      // A forced shutdown only half-closes the sockets, so clients with open calls would wait for their keepalive.
      acceptor.dropAll();
    },
  };
}

/**
 * Node closes the connection of a client that cancels more than about a thousand calls at once, since attackers exhaust servers that way.
 * On loopback there are no strangers, and a plugin that cancels much is not an attacker. grpc-js does not pass such an option on, so this
 * changes the options that it gives to Node. A test fails if a later version keeps them elsewhere.
 */
function allowResets(server: Server): void {
  const { commonServerOptions } = server as unknown as { readonly commonServerOptions: Http2ServerOptions };
  commonServerOptions.streamResetBurst = resetsMax;
  commonServerOptions.streamResetRate = resetsMax;
}

/** The acceptor terminates TLS and gives grpc-js the plaintext: grpc-js can neither change certificates nor say why it refuses one. */
async function openAcceptorFor(
  address: string,
  options: ListenOptions,
  { peers, connections }: { readonly peers: SecuredPeers; readonly connections: Connections },
  onConnection: (socket: Socket) => void,
): Promise<Acceptor> {
  const { tls, onRefused } = options;
  const onSocket = (socket: Socket): void => connections.accept(socket);
  if (!tls) return openAcceptor(address, { onSocket, onConnection });
  const context = serverContext(tls);
  checkedTls(() => createSecureContext(context));
  return openSecureAcceptor(address, {
    context,
    onSocket,
    onConnection(socket) {
      peers.add(socket);
      socket.on('error', () => {});
      onConnection(socket);
    },
    onHandshakeFailed: (peer, reason) => onRefused?.({ address: peer, reason: `no TLS handshake: ${reason}` }),
  });
}

type Identify = (call: CallFromPeer) => Peer;

interface ServeOptions {
  readonly maxMessageBytes: number;
  /** @throws RpcError UNAUTHENTICATED */
  readonly identify: Identify;
}

function register(server: Server, route: Route, options: ServeOptions): void {
  const handle = (
    route.kind === 'unary'
      ? unaryHandle(route.method, route.handler, options)
      : streamHandle(route.method, route.handler, options)
  ) as UntypedHandleCall;
  // On the wire a server-streaming call is a bidirectional one whose caller sends a single message.
  server.register(route.method.path, handle, passBytes, passBytes, route.kind === 'unary' ? 'unary' : 'bidi');
}

function unaryHandle<Request, Response>(
  method: UnaryMethod<Request, Response>,
  handler: UnaryHandler<Request, Response>,
  { maxMessageBytes, identify }: ServeOptions,
): (call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>) => void {
  const { path } = method;
  const serve = async (call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>): Promise<void> => {
    const lost = new AbortController();
    call.on('cancelled', () => lost.abort(lostCall(call)));
    let served: ServedCall | undefined;
    try {
      served = servedCall(call, identify(call), lost.signal);
      const request = decodeMessage({ path, codec: method.request, maxMessageBytes }, call.request);
      const response = await handler(request, served);
      const bytes = encodeMessage({ path, codec: method.response, maxMessageBytes }, response);
      respond(null, asBuffer(bytes), toGrpcMetadata(served.succeeded().trailers));
    } catch (error) {
      const { code, message, trailers } = served?.failed(error) ?? failureOutcome(RpcError.from(error));
      respond({ code: toGrpcCode(code), details: message }, null, toGrpcMetadata(trailers));
    }
  };
  return (call, respond) => void serve(call, respond);
}

function streamHandle<Request, Response>(
  method: StreamMethod<Request, Response>,
  handler: StreamHandler<Request, Response>,
  { maxMessageBytes, identify }: ServeOptions,
): (call: ServerDuplexStream<Buffer, Buffer>) => void {
  const { path } = method;
  const formats = {
    incoming: { path, codec: method.request, maxMessageBytes },
    outgoing: { path, codec: method.response, maxMessageBytes },
  };
  const serve = async (call: ServerDuplexStream<Buffer, Buffer>): Promise<void> => {
    const lost = new AbortController();
    const stream = new GrpcServerStream(call, formats, (error) => lost.abort(error));
    let served: ServedCall | undefined;
    try {
      served = servedCall(call, identify(call), lost.signal);
      await handler(stream, served);
      stream.conclude(served.succeeded());
    } catch (error) {
      stream.conclude(served?.failed(error) ?? failureOutcome(RpcError.from(error)));
    }
  };
  return (call) => void serve(call);
}

function servedCall(call: GrpcServerCall, peer: Peer, signal: AbortSignal): ServedCall {
  const deadline = call.getDeadline();
  const timeoutMs = Math.max(0, Number(deadline) - Date.now());
  return new ServedCall({
    metadata: fromGrpcMetadata(call.metadata),
    peer,
    timeoutMs: Number.isFinite(timeoutMs) ? timeoutMs : undefined,
    signal,
    sendHeaders: () => call.sendMetadata(toGrpcMetadata({})),
  });
}
