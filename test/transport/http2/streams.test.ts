import { afterEach, expect, test } from 'vitest';
import { grpcNetwork } from '../../../src/transport/grpc/network.ts';
import { http2Limits } from '../../../src/transport/http2/limits.ts';
import type { Connection } from '../../../src/transport/rpc.ts';
import { chat, collect, dial, echo, failureOf, listen, mib, serveEcho } from '../test-service.ts';
import {
  callHeaders,
  data,
  errorCodes,
  flags,
  goAway,
  headers,
  literal,
  message,
  readReset,
  settings,
  settingsAck,
  types,
} from './raw-frames.ts';
import { listenRaw, RawPeer } from './raw-peer.ts';

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});

const responseHeaders = Buffer.concat([literal(':status', '200'), literal('content-type', 'application/grpc')]);
const okTrailers = literal('grpc-status', '0');
const isOn =
  (streamId: number, type: number) =>
  (frame: { streamId: number; type: number }): boolean =>
    frame.streamId === streamId && frame.type === type;

/** A connection of ours to a server that is played frame by frame. */
async function connectToRaw(given = settings()): Promise<{ connection: Connection; server: RawPeer }> {
  const raw = await listenRaw();
  opened.push(raw);
  const connecting = grpcNetwork.connect(raw.address, { timeoutMs: 5_000, maxMessageBytes: mib });
  const server = await raw.next();
  server.send(given, settingsAck);
  const connection = await connecting;
  opened.push(connection, server);
  return { connection, server };
}

test('a client sends no reset for a call that both sides have ended', async () => {
  const { connection, server } = await connectToRaw();
  for (const streamId of [1, 3, 5]) {
    const answer = connection.unary(echo, 'hello');
    await server.next(({ flags: set, ...frame }) => isOn(streamId, types.data)(frame) && (set & flags.endStream) !== 0);
    server.send(headers(streamId, responseHeaders), data(streamId, message(Buffer.from('"bye"'))));
    server.send(headers(streamId, okTrailers, { end: true }));
    expect(await answer).toBe('bye');
  }
  expect(server.unread.filter(({ type }) => type === types.reset)).toEqual([]);
});

test('a client sends a reset for a call that the server ended first', async () => {
  const { connection, server } = await connectToRaw();
  const stream = connection.stream({ ...echo, kind: 'bidi_streaming' });
  await server.next(isOn(1, types.headers));
  server.send(headers(1, Buffer.concat([responseHeaders, okTrailers]), { end: true }));
  expect(await collect(stream)).toEqual([]);
  expect(readReset(await server.next(isOn(1, types.reset)))).toBe(errorCodes.cancel);
});

test('calls that wait for a place begin when the server allows more of them', async () => {
  const { connection, server } = await connectToRaw(settings({ maxConcurrentStreams: 0 }));
  const answer = connection.unary(echo, 'patient');
  server.send(settings({ maxConcurrentStreams: 1 }));
  await server.next(isOn(1, types.data));
  server.send(headers(1, responseHeaders), data(1, message(Buffer.from('"at last"'))));
  server.send(headers(1, okTrailers, { end: true }));
  expect(await answer).toBe('at last');
});

test('a message that uses up the window of its stream opens it again, for peers that cannot end a stream without', async () => {
  const { connection, server } = await connectToRaw();
  const text = JSON.stringify('x'.repeat(65_528));
  const answer = connection.unary(echo, 'hello');
  await server.next(isOn(1, types.data));
  const bytes = message(Buffer.from(text));
  expect(bytes.length).toBe(65_535);
  server.send(headers(1, responseHeaders));
  for (let at = 0; at < bytes.length; at += 16_384) server.send(data(1, bytes.subarray(at, at + 16_384)));
  await server.next(isOn(1, types.windowUpdate));
  server.send(headers(1, okTrailers, { end: true }));
  expect(await answer).toBe(JSON.parse(text));
});

test('new windows are acknowledged before anything is sent by them, on all streams', async () => {
  const { connection, server } = await connectToRaw(settings({ initialWindowSize: 10 }));
  const streams = [connection.stream(chat), connection.stream(chat)];
  for (const stream of streams) stream.write('x'.repeat(93));
  for (const streamId of [1, 3]) expect((await server.next(isOn(streamId, types.data))).payload).toHaveLength(10);
  server.send(settings({ initialWindowSize: 60 }), settings({ initialWindowSize: 30 }));
  const seen: string[] = [];
  await server.next(({ type, streamId, payload }) => {
    seen.push(`${type} on ${streamId}: ${payload.length}`);
    return seen.length === 4;
  });
  // 50 more bytes for each, then 30 fewer.
  expect(seen).toEqual(['4 on 0: 0', '0 on 1: 50', '0 on 3: 50', '4 on 0: 0']);
});

test.each([
  ['a pseudo-header field', literal(':path', '/a')],
  ['a name in upper case', literal('X-A', 'b')],
  ['a field of the connection', literal('connection', 'close')],
])('a server resets a stream whose trailers have %s', async (_, field) => {
  const listener = await listen(grpcNetwork, [serveEcho]);
  opened.push(listener);
  const peer = await RawPeer.greet(listener.address);
  opened.push(peer);
  peer.send(headers(1, callHeaders(echo.path)), data(1, message(Buffer.from('1'))), headers(1, field, { end: true }));
  expect(readReset(await peer.next(isOn(1, types.reset)))).toBe(errorCodes.protocolError);
  expect(await (await dial(grpcNetwork, listener)).unary(echo, 1)).toBe(1);
});

test('what a server says in its GOAWAY is shown up to a limit', async () => {
  const { connection, server } = await connectToRaw();
  const answer = failureOf(connection.unary(echo, 'hello'));
  await server.next(isOn(1, types.headers));
  server.send(goAway(0, errorCodes.enhanceYourCalm, 'x'.repeat(10_000)));
  const { code, message } = await answer;
  expect(code).toBe('UNAVAILABLE');
  expect(message).toBe(`the peer ends the connection with ENHANCE_YOUR_CALM: ${'x'.repeat(http2Limits.reasonBytes)}`);
});

test('more calls than may wait for a place on the connection are refused', async () => {
  const { connection, server } = await connectToRaw(settings({ maxConcurrentStreams: 1 }));
  const calls = Array.from({ length: http2Limits.waitingCalls + 2 }, () => failureOf(connection.unary(echo, 'hello')));
  const refusal = await calls.at(-1);
  expect(refusal?.code).toBe('RESOURCE_EXHAUSTED');
  expect(refusal?.message).toMatch(/^10000 calls wait for a place at \S+, which is the limit$/);
  server.close();
  const codes = new Set((await Promise.all(calls.slice(0, -1))).map(({ code }) => code));
  expect(codes).toEqual(new Set(['UNAVAILABLE']));
});
