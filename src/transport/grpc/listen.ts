import {
  Server,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { decodeMessage, encodeMessage } from '../message.ts';
import type { Listener, ListenOptions, Route, StreamHandler, StreamMethod, UnaryHandler, UnaryMethod } from '../rpc.ts';
import { ServedCall } from '../served-call.ts';
import { openDoor } from './door.ts';
import { asBuffer, passBytes } from './duplex-end.ts';
import { peerOf } from './peer.ts';
import { GrpcServerStream, lostCall } from './server-stream.ts';
import { fromGrpcMetadata, toGrpcCode, toGrpcMetadata } from './status.ts';
import { checkedTls, serverCredentials } from './tls.ts';

type GrpcServerCall = ServerUnaryCall<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

/** Binds the address and serves the routes on it. */
export async function listen(address: string, options: ListenOptions): Promise<Listener> {
  const server = new Server({
    'grpc.enable_channelz': 0,
    'grpc.max_receive_message_length': options.maxMessageBytes,
    'grpc.max_send_message_length': options.maxMessageBytes,
    // A client that vanished without closing its socket is noticed within a minute.
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 20_000,
  });
  for (const route of options.routes) register(server, route, options.maxMessageBytes);
  const credentials = serverCredentials(options.tls);
  const injector = checkedTls(() => server.createConnectionInjector(credentials));
  const door = await openDoor(address, (socket) => injector.injectConnection(socket));
  return {
    address: door.address,
    drain() {
      door.shut();
      // Its callback comes at once: closing Node's HTTP/2 server marks every session closed before its calls are over.
      server.tryShutdown(() => {});
      return door.empty();
    },
    close() {
      door.shut();
      server.forceShutdown();
      // A forced shutdown only half-closes the sockets, so that clients with open calls would wait for their keepalive.
      door.dropAll();
    },
  };
}

function register(server: Server, route: Route, maxMessageBytes: number): void {
  const handle = (
    route.kind === 'unary'
      ? unaryHandle(route.method, route.handler, maxMessageBytes)
      : streamHandle(route.method, route.handler, maxMessageBytes)
  ) as UntypedHandleCall;
  // On the wire a server-streaming call is a bidirectional one whose caller sends a single message.
  server.register(route.method.path, handle, passBytes, passBytes, route.kind === 'unary' ? 'unary' : 'bidi');
}

function unaryHandle<Request, Response>(
  method: UnaryMethod<Request, Response>,
  handler: UnaryHandler<Request, Response>,
  maxMessageBytes: number,
): (call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>) => void {
  const { path } = method;
  const serve = async (call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>): Promise<void> => {
    const lost = new AbortController();
    call.on('cancelled', () => lost.abort(lostCall()));
    const served = servedCall(call, lost.signal);
    try {
      const request = decodeMessage({ path, codec: method.request, maxMessageBytes }, call.request);
      const response = await handler(request, served);
      const bytes = encodeMessage({ path, codec: method.response, maxMessageBytes }, response);
      respond(null, asBuffer(bytes), toGrpcMetadata(served.succeeded().trailers));
    } catch (error) {
      const { code, message, trailers } = served.failed(error);
      respond({ code: toGrpcCode(code), details: message }, null, toGrpcMetadata(trailers));
    }
  };
  return (call, respond) => void serve(call, respond);
}

function streamHandle<Request, Response>(
  method: StreamMethod<Request, Response>,
  handler: StreamHandler<Request, Response>,
  maxMessageBytes: number,
): (call: ServerDuplexStream<Buffer, Buffer>) => void {
  const { path } = method;
  const formats = {
    incoming: { path, codec: method.request, maxMessageBytes },
    outgoing: { path, codec: method.response, maxMessageBytes },
  };
  const serve = async (call: ServerDuplexStream<Buffer, Buffer>): Promise<void> => {
    const lost = new AbortController();
    const stream = new GrpcServerStream(call, formats, (error) => lost.abort(error));
    const served = servedCall(call, lost.signal);
    try {
      await handler(stream, served);
      stream.conclude(served.succeeded());
    } catch (error) {
      stream.conclude(served.failed(error));
    }
  };
  return (call) => void serve(call);
}

function servedCall(call: GrpcServerCall, signal: AbortSignal): ServedCall {
  const deadline = call.getDeadline();
  const timeoutMs = Math.max(0, Number(deadline) - Date.now());
  return new ServedCall({
    metadata: fromGrpcMetadata(call.metadata),
    peer: peerOf(call),
    timeoutMs: Number.isFinite(timeoutMs) ? timeoutMs : undefined,
    signal,
  });
}
