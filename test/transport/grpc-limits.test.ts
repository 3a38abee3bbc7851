import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import {
  type Connection,
  type ConnectionLimits,
  type Listener,
  type ListenOptions,
  serveStream,
  serveUnary,
} from '../../src/transport/rpc.ts';
import { RpcError } from '../../src/transport/status.ts';
import { ownLoopback } from '../sidecar/own-loopback.ts';
import { chat, dial, echo, echoAll, failureOf, mib, serveEcho } from './test-service.ts';

const many: ConnectionLimits = {
  connections: 100,
  unprovenConnections: 100,
  connectionsPerPrincipal: 100,
  callsPerConnection: 100,
  calls: 100,
  heldBytes: mib,
};

const toClose: { close(): void }[] = [];
afterEach(() => {
  for (const each of toClose.splice(0)) each.close();
});

async function listen(options: Partial<ListenOptions>): Promise<Listener> {
  const routes = [serveEcho, serveStream(chat, echoAll)];
  const listener = await grpcNetwork.listen(`${ownLoopback}:0`, { routes, maxMessageBytes: mib, ...options });
  toClose.push(listener);
  return listener;
}

async function open(listener: Listener, metadata = {}) {
  const connection = await dial(grpcNetwork, listener, { metadata });
  toClose.push(connection);
  return connection;
}

const byName: ListenOptions['authorize'] = ({ metadata: { name } }) => {
  if (name === undefined) throw new RpcError('UNAUTHENTICATED', 'the caller has no name');
  return name;
};

test('a caller is judged before its message is decoded', async () => {
  let decoded = 0;
  const decode = (bytes: Uint8Array): unknown => {
    decoded += 1;
    return bytes.length;
  };
  const method = { ...echo, request: { ...echo.request, decode } };
  const listener = await listen({ authorize: byName, routes: [serveUnary(method, async (request) => request)] });
  const large = 'x'.repeat(mib - 100);
  const refused = await failureOf((await open(listener)).unary(echo, large));
  expect(refused).toMatchObject({ code: 'UNAUTHENTICATED', message: 'the caller has no name' });
  expect(decoded).toBe(0);
  expect(await (await open(listener, { name: 'a' })).unary(echo, large)).toBe(mib - 98);
});

test('of connections that prove nothing the oldest end, and who proves itself is let in beside them', async () => {
  const reasons: string[] = [];
  const listener = await listen({
    authorize: byName,
    connectionLimits: { ...many, unprovenConnections: 4 },
    onRefused: ({ reason }) => reasons.push(reason),
  });
  const [host = '', port] = listener.address.split(':');
  const honest = await open(listener, { name: 'honest' });
  expect(await honest.unary(echo, 1)).toBe(1);
  const sockets: Socket[] = [];
  const ended: Promise<unknown>[] = [];
  for (let index = 0; index < 20; index += 1) {
    const socket = connect(Number(port), host)
      .on('error', () => {})
      .resume();
    ended.push(once(socket, 'close'));
    await once(socket, 'connect');
    sockets.push(socket);
  }
  await Promise.all(ended.slice(0, 16));
  expect(reasons).toEqual(Array(16).fill('4 connections have had no call accepted, which is the limit'));
  expect(await honest.unary(echo, 2)).toBe(2);
  expect(await (await open(listener, { name: 'another' })).unary(echo, 3)).toBe(3);
  for (const socket of sockets) socket.destroy();
});

test('a principal has a limit of connections, and another its own', async () => {
  const listener = await listen({ authorize: byName, connectionLimits: { ...many, connectionsPerPrincipal: 2 } });
  const [one, two, three, other] = [
    await open(listener, { name: 'a' }),
    await open(listener, { name: 'a' }),
    await open(listener, { name: 'a' }),
    await open(listener, { name: 'b' }),
  ];
  for (const each of [one, two, other]) expect(await each.unary(echo, 1)).toBe(1);
  expect(await failureOf(three.unary(echo, 1))).toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    message: 'principal "a" has 2 connections already, which is the limit',
  });
  one.close();
  await expect.poll(() => three.unary(echo, 1).catch(() => undefined)).toBe(1);
});

/** A stream whose handler runs. */
async function begun(connection: Connection) {
  const stream = connection.stream(chat);
  stream.write('here');
  const messages = stream[Symbol.asyncIterator]();
  await messages.next();
  return { stream, messages };
}

test('calls that are open are limited in all, and one that ends makes room', async () => {
  const listener = await listen({ connectionLimits: { ...many, calls: 2 } });
  const [one, another] = [await open(listener), await open(listener)];
  const { stream } = await begun(one);
  await begun(another);
  expect(await failureOf(one.unary(echo, 1))).toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    message: '2 calls are open here, which is the limit',
  });
  stream.cancel();
  await expect.poll(() => one.unary(echo, 1).catch(() => undefined)).toBe(1);
});

test('at the limit of calls a connection that has fewer than another gets in, and the newest call of that one ends', async () => {
  const refused: string[] = [];
  const listener = await listen({
    connectionLimits: { ...many, calls: 3 },
    onRefused: ({ reason }) => refused.push(reason),
  });
  const greedy = await open(listener);
  const streams = [await begun(greedy), await begun(greedy), await begun(greedy)];
  expect(await (await open(listener)).unary(echo, 1)).toBe(1);
  // Not a refusal, since its handler runs already.
  expect((await failureOf(streams[2]!.messages.next())).code).toBe('CANCELLED');
  for (const { stream, messages } of streams.slice(0, 2)) {
    stream.write('again');
    expect((await messages.next()).value).toEqual({ echo: 'again' });
  }
  expect(refused).toEqual(['3 calls are open here, which is the limit']);
});

test('of large requests that come at once, those that are being served are never refused for the memory they take', async () => {
  const served: string[] = [];
  const released = Promise.withResolvers<void>();
  const held = serveUnary(echo, async (request) => {
    served.push(String(request).slice(0, 8));
    if (served.length === 4) released.resolve();
    await released.promise;
    return 'served';
  });
  const listener = await listen({ routes: [held], connectionLimits: { ...many, heldBytes: 4 * mib } });
  const connection = await open(listener);
  const requests = Array.from({ length: 24 }, (_, index) => String(index).padEnd(900 * 1024, ' '));
  const answers = await Promise.allSettled(requests.map((request) => connection.unary(echo, request)));
  const fulfilled = answers.filter(({ status }) => status === 'fulfilled');
  // What a handler saw was answered, and what was refused no handler saw.
  expect(fulfilled).toHaveLength(served.length);
  expect(served.length).toBeGreaterThanOrEqual(4);
  for (const answer of answers) {
    if (answer.status === 'rejected') expect(RpcError.from(answer.reason).code).toBe('RESOURCE_EXHAUSTED');
  }
});

test('as many large requests as have room for their beginnings all take their turn', async () => {
  const trimmed = serveUnary(echo, async (request) => String(request).trim());
  const listener = await listen({ routes: [trimmed], connectionLimits: { ...many, heldBytes: 16 * mib } });
  const connection = await open(listener);
  const requests = Array.from({ length: 96 }, (_, index) => String(index).padEnd(900 * 1024, ' '));
  const answers = await Promise.all(requests.map((request) => connection.unary(echo, request)));
  expect(answers).toEqual(requests.map((request) => request.trim()));
});

test('calls beyond the limit of one connection wait for those before them', async () => {
  const listener = await listen({ connectionLimits: { ...many, callsPerConnection: 1 } });
  const connection = await open(listener);
  expect(await connection.unary(echo, 1)).toBe(1);
  const stream = connection.stream(chat);
  stream.write('here');
  await stream[Symbol.asyncIterator]().next();
  const waiting = connection.unary(echo, 2);
  expect(await (await open(listener)).unary(echo, 3)).toBe(3);
  stream.end();
  expect(await waiting).toBe(2);
});
