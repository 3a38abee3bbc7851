import { aborted } from '../../../src/base/async/aborted.ts';
import { grpcNetwork } from '../../../src/transport/grpc/network.ts';
import { type Listener, type Route, type RpcStream, serveStream, serveUnary } from '../../../src/transport/rpc.ts';
import { RpcError, statusCodes } from '../../../src/transport/status.ts';
import { eachLine, Gate, peerOptions, repeated, tell } from './lines.ts';
import { type CountRequest, type Description, type EndRequest, fromJson, methods, toJson } from './methods.ts';

type Bytes = RpcStream<Uint8Array, Uint8Array>;

const gate = new Gate();
const callers = new Set<string>();

async function first(stream: Bytes): Promise<Uint8Array> {
  for await (const message of stream) return message;
  throw new RpcError('INVALID_ARGUMENT', 'the call has no message');
}

const routes: readonly Route[] = [
  serveUnary(methods.echo, async (request) => request),
  serveUnary(methods.describe, async (_, { metadata, timeoutMs, peer }) => {
    callers.add(peer.address);
    const described: Description = {
      metadata,
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(peer.principal !== undefined && { principal: peer.principal }),
      connections: callers.size,
    };
    return toJson(described);
  }),
  serveUnary(methods.end, async (request, call) => {
    const { code, message, trailers } = fromJson<EndRequest>(request);
    const name = statusCodes[code] ?? 'UNKNOWN';
    if (name !== 'OK') throw new RpcError(name, message, { trailers });
    for (const [key, value] of Object.entries(trailers)) call.setTrailer(key, value);
    return new Uint8Array();
  }),
  serveUnary(methods.gate, async (request) => {
    await gate.pass();
    return request;
  }),
  serveStream(methods.count, async (stream) => {
    const { count, bytes } = fromJson<CountRequest>(await first(stream));
    for (let number = 0; number < count; number += 1) {
      stream.write(repeated(number, bytes));
      await stream.drained(1_048_576);
    }
  }),
  serveStream(methods.collect, async (stream) => {
    const sum = { messages: 0, bytes: 0 };
    for await (const message of stream) {
      sum.messages += 1;
      sum.bytes += message.byteLength;
    }
    stream.write(toJson(sum));
  }),
  serveStream(methods.chat, async (stream) => {
    for await (const message of stream) {
      stream.write(message);
      await stream.drained(1_048_576);
    }
  }),
  serveStream(methods.farewell, async (stream) => void stream.write(await first(stream))),
  serveStream(methods.hang, async (stream, call) => {
    stream.write(Buffer.from('ready'));
    await aborted(call.signal);
    const { reason } = call.signal;
    tell({ event: 'lost', code: reason instanceof RpcError ? reason.code : 'none' });
  }),
];

const limits = {
  ...{ connections: 1_000, unprovenConnections: 500, connectionsPerPrincipal: 1_000 },
  ...{ calls: 10_000, heldBytes: 64 * 1_048_576 },
};

async function serve(): Promise<Listener> {
  const { tls, streams = 1_000 } = peerOptions();
  return await grpcNetwork.listen('127.0.0.1:0', {
    routes,
    maxMessageBytes: 4_194_304,
    connectionLimits: { ...limits, callsPerConnection: streams },
    onClosed: (address) => tell({ event: 'closed', address }),
    onRefused: ({ address, reason }) => tell({ event: 'refused', address, reason }),
    ...(tls && { tls }),
  });
}

const listener = await serve();
tell({ event: 'listening', address: listener.address });
eachLine((asked) => {
  if (!('do' in asked)) throw new Error('a server makes no calls');
  if (asked.do === 'open') gate.open();
  else if (asked.do === 'drain') void listener.drain().then(() => tell({ event: 'drained' }));
  else if (asked.do === 'renew') listener.renewTls(asked.tls ?? {});
  else listener.close();
});
