import { connect } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { grpcNetwork } from '../../../src/transport/grpc/network.ts';
import { http2Limits } from '../../../src/transport/http2/limits.ts';
import { type Listener, type ListenOptions, serveStream } from '../../../src/transport/rpc.ts';
import { ownLoopback } from '../../sidecar/own-loopback.ts';
import { chat, echo, echoAll, kib, mib, serveEcho } from '../test-service.ts';
import {
  callHeaders,
  data,
  errorCodes,
  type Frame,
  flags,
  headers,
  message,
  ping,
  readGoAway,
  readReset,
  types,
} from './raw-frames.ts';
import { RawPeer } from './raw-peer.ts';

const toClose: { close(): void }[] = [];
const refused: string[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const each of toClose.splice(0)) each.close();
  refused.length = 0;
});

async function listen(options: Partial<ListenOptions> = {}): Promise<Listener> {
  const listener = await grpcNetwork.listen(`${ownLoopback}:0`, {
    routes: [serveEcho, serveStream(chat, echoAll)],
    maxMessageBytes: 2 * mib,
    onRefused: ({ reason }) => refused.push(reason),
    ...options,
  });
  toClose.push(listener);
  return listener;
}

async function greet({ address }: Listener): Promise<RawPeer> {
  const peer = await RawPeer.greet(address);
  toClose.push(peer);
  return peer;
}

/** Resolves once the server has read what was sent before. */
async function readByServer(peer: RawPeer): Promise<void> {
  peer.send(ping());
  await peer.next(({ type, flags: set }) => type === types.ping && (set & flags.ack) !== 0);
}

const isOn =
  (streamId: number, type: number) =>
  (frame: Frame): boolean =>
    frame.streamId === streamId && frame.type === type;

/** The clock of the connections and the interval at which they are tended; sockets stay on the real one. */
const fakeClock = (): void => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });

test('a message that does not arrive in time ends its call, and the connection goes on', async () => {
  fakeClock();
  const peer = await greet(await listen());
  peer.send(headers(1, callHeaders(echo.path)), data(1, message(Buffer.alloc(10), { length: 100 })));
  await readByServer(peer);
  vi.advanceTimersByTime(http2Limits.messageTimeoutMs + 5_000);
  const { payload } = await peer.next(isOn(1, types.headers));
  expect(payload.toString('latin1')).toContain(
    'a message did not pass within 20 s of its beginning, which is the limit',
  );
  expect(refused).toEqual(['a message did not pass within 20 s of its beginning, which is the limit']);
  peer.send(headers(3, callHeaders(echo.path)), data(3, message(Buffer.from('1')), { end: true }));
  await peer.next(isOn(3, types.data));
});

test('a client that connects and does not speak HTTP/2 in time is disconnected, and told why', async () => {
  fakeClock();
  const listener = await listen();
  const accepted = greet(listener);
  const [, host = '', port] = /^(.*):(\d+)$/.exec(listener.address) ?? [];
  const peer = new RawPeer(connect(Number(port), host));
  toClose.push(peer);
  // Its own SETTINGS come at once, so the server has accepted it.
  await peer.next(({ type }) => type === types.settings);
  await accepted;
  vi.advanceTimersByTime(http2Limits.prefaceTimeoutMs + 5_000);
  const end = readGoAway(await peer.next(({ type }) => type === types.goAway));
  expect(end.debug).toBe('the peer did not begin to speak HTTP/2 in time');
  await peer.closed;
  expect(refused).toEqual([end.debug]);
  await readByServer(await accepted);
});

test('a client that broke the protocol and reads nothing does not keep its socket', async () => {
  const closed = Promise.withResolvers<string>();
  const peer = await greet(await listen({ onClosed: closed.resolve }));
  peer.hold();
  peer.send(data(0, Buffer.from('on no stream')));
  expect(await closed.promise).toMatch(/^127\./);
  expect(refused).toEqual(['a DATA frame on stream 0, which is not open']);
});

test('of messages that nobody reads, the connection that holds most loses the call that holds most', async () => {
  const unread = serveStream(chat, () => new Promise<void>(() => {}));
  const many = {
    connections: 9,
    unprovenConnections: 9,
    connectionsPerPrincipal: 9,
    callsPerConnection: 99,
    calls: 99,
  };
  const listener = await listen({ routes: [unread], connectionLimits: { ...many, heldBytes: 300 * kib } });
  const [modest, greedy] = [await greet(listener), await greet(listener)];
  const parts = (streamId: number, count: number): Buffer[] => [
    headers(streamId, callHeaders(chat.path)),
    ...Array.from({ length: count }, () => data(streamId, message(Buffer.alloc(10 * kib)))),
  ];
  modest.send(...parts(1, 6));
  await readByServer(modest);
  greedy.send(...parts(1, 5), ...parts(3, 6), ...parts(5, 5), ...parts(7, 6), ...parts(9, 5));
  const end = await greedy.next(({ type }) => type === types.headers);
  expect(end.streamId).toBe(3);
  expect(end.payload.toString('latin1')).toContain('of messages are incomplete, unread or not taken here');
  expect(refused).toHaveLength(1);
  await readByServer(modest);
  expect(modest.unread.filter(({ streamId }) => streamId === 1)).toEqual([]);
});

test('data of a stream that was reset long ago is an error of the stream, and of one that was reset lately is not', async () => {
  const peer = await greet(await listen());
  const notGrpc = callHeaders(echo.path, { 'content-type': 'text/plain' });
  const count = http2Limits.resetStreamsKept + 10;
  const newest = 2 * count - 1;
  for (let id = 1; id <= newest; id += 2) peer.send(headers(id, notGrpc));
  await peer.next(isOn(newest, types.reset));
  peer.send(data(newest, Buffer.from('late')), data(1, Buffer.from('later')));
  const end = await peer.next(({ type }) => type === types.reset);
  expect([end.streamId, readReset(end)]).toEqual([1, errorCodes.streamClosed]);
});
