import { aborted } from '../../src/base/async/aborted.ts';
import {
  type CallContext,
  type Codec,
  type Connection,
  type ConnectOptions,
  type Listener,
  type MethodKind,
  type Network,
  type Route,
  type RpcStream,
  serveUnary,
} from '../../src/transport/rpc.ts';
import { RpcError } from '../../src/transport/status.ts';
import { ownLoopback } from '../sidecar/own-loopback.ts';

/** Runs a story on a fresh network, to its end, on whatever clock the network needs. */
export type RunOnNetwork = (story: (network: Network) => Promise<void>) => Promise<void>;

export const kib = 1_024;
export const mib = 1_024 * kib;

/** A deadline that is to pass: long enough for the call to reach its handler first, on a machine that is busy too. */
export const passingDeadlineMs = 2_000;

const json: Codec<unknown> = {
  encode: (value) => new TextEncoder().encode(JSON.stringify(value)),
  decode: (bytes) => JSON.parse(new TextDecoder().decode(bytes)),
};

function method<Kind extends MethodKind>(name: string, kind: Kind) {
  return { path: `/test.Service/${name}`, kind, request: json, response: json } as const;
}

export const echo = method('Echo', 'unary');
export const count = method('Count', 'server_streaming');
export const chat = method('Chat', 'bidi_streaming');

export const serveEcho = serveUnary(echo, async (request) => request);

export async function listen(network: Network, routes: readonly Route[], maxMessageBytes = mib): Promise<Listener> {
  return network.listen(`${ownLoopback}:0`, { routes, maxMessageBytes });
}

export async function dial(network: Network, to: Listener, options: Partial<ConnectOptions> = {}): Promise<Connection> {
  return network.connect(to.address, { timeoutMs: 5_000, maxMessageBytes: mib, ...options });
}

export async function failureOf(outcome: Promise<unknown>): Promise<RpcError> {
  const caught = await outcome.then(
    (value) => new Error(`expected a failure, got ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (caught instanceof RpcError) return caught;
  throw caught;
}

export async function collect(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const messages: unknown[] = [];
  for await (const message of stream) messages.push(message);
  return messages;
}

export async function first(stream: AsyncIterable<unknown>): Promise<unknown> {
  for await (const message of stream) return message;
  throw new Error('expected a message');
}

export const echoAll = async (stream: RpcStream<unknown, unknown>): Promise<void> => {
  for await (const message of stream) stream.write({ echo: message });
};

/** A handler that waits until its call is lost, and tells when it began and what it then saw. */
export function waitingHandler() {
  const began = Promise.withResolvers<CallContext>();
  const lost = Promise.withResolvers<void>();
  const handler = async (_: unknown, call: CallContext): Promise<never> => {
    began.resolve(call);
    await aborted(call.signal);
    lost.resolve();
    throw new RpcError('ABORTED', 'nobody waits for this');
  };
  return { began: began.promise, lost: lost.promise, handler };
}
