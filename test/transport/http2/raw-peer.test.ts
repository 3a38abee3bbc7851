import { once } from 'node:events';
import { createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { grpcNetwork } from '../../../src/transport/grpc/network.ts';
import { ownLoopback } from '../../sidecar/own-loopback.ts';
import { echo, failureOf, mib } from '../test-service.ts';
import {
  callHeaders,
  continuation,
  data,
  errorCodes,
  flags,
  frame,
  goAway,
  headers,
  indexed,
  inserted,
  integer,
  literal,
  message,
  ping,
  priority,
  readGoAway,
  readReset,
  reset,
  settings,
  settingsAck,
  tableSizeUpdate,
  takeFrames,
  types,
  windowUpdate,
} from './raw-frames.ts';
import { listenRaw, RawPeer } from './raw-peer.ts';

let server: Http2Server;
let address: string;

beforeEach(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => response.end([request.url, request.headers['x-a'], Buffer.concat(chunks)].join(' ')));
  });
  server.listen(0, ownLoopback);
  await once(server, 'listening');
  address = `${ownLoopback}:${(server.address() as AddressInfo).port}`;
});
afterEach(() => void server.close());

const isData = ({ type, payload }: { type: number; payload: Buffer }): boolean =>
  type === types.data && payload.length > 0;

test("a server of Node understands the raw client's frames and header blocks", async () => {
  const peer = await RawPeer.greet(address);
  const block = Buffer.concat([tableSizeUpdate(4_096), callHeaders('/a'), inserted('x-a', 'b'.repeat(200))]);
  peer.send(headers(1, block.subarray(0, 40), { more: true }), continuation(1, block.subarray(40)));
  peer.send(data(1, Buffer.from('body'), { end: true }));
  expect((await peer.next(isData)).payload.toString()).toBe(`/a ${'b'.repeat(200)} body`);

  peer.send(headers(3, Buffer.concat([callHeaders('/c'), indexed(62)]), { end: true }));
  expect((await peer.next(isData)).payload.toString()).toBe(`/c ${'b'.repeat(200)} `);

  peer.send(ping(Buffer.from('12345678')));
  expect(await peer.next(({ type }) => type === types.ping)).toMatchObject({
    flags: flags.ack,
    payload: Buffer.from('12345678'),
  });

  peer.send(frame(types.settings, { payload: Buffer.alloc(5) }));
  const end = await peer.next(({ type }) => type === types.goAway);
  expect(readGoAway(end).code).toBe(errorCodes.frameSizeError);
  await peer.closed;
  await expect(peer.next(() => true)).rejects.toThrow('the connection ended before the wanted frame');
});

test('a client gets from the raw server what it sends', async () => {
  const raw = await listenRaw();
  const connecting = grpcNetwork.connect(raw.address, { timeoutMs: 5_000, maxMessageBytes: mib });
  const peer = await raw.next();
  peer.send(settings({ maxConcurrentStreams: 10 }), settingsAck);
  const connection = await connecting;
  const calling = connection.unary(echo, 'asked');
  const { streamId } = await peer.next(({ type }) => type === types.headers);
  const { payload } = await peer.next(isData);
  expect(payload).toEqual(message(Buffer.from('"asked"')));
  const ok = Buffer.concat([indexed(8), literal('content-type', 'application/grpc')]);
  peer.send(headers(streamId, ok), data(streamId, message(Buffer.from('"answered"'))));
  peer.send(headers(streamId, literal('grpc-status', '0'), { end: true }));
  expect(await calling).toBe('answered');

  const unanswered = connection.unary(echo, 'asked again');
  await peer.next(({ type }) => type === types.headers);
  peer.send(goAway(0, errorCodes.noError, 'the server goes'));
  peer.close();
  expect((await failureOf(unanswered)).code).toBe('UNAVAILABLE');
  connection.close();
  raw.close();
});

test.each([
  [10, 5, [0x0a]],
  [1_337, 5, [0x1f, 0x9a, 0x0a]],
  [42, 8, [0x2a]],
])('the integer %i takes with a prefix of %i bits the bytes of RFC 7541, C.1', (value, prefixBits, bytes) => {
  expect([...integer(0, prefixBits, value)]).toEqual(bytes);
});

test.each([
  ['RST_STREAM', reset(3, errorCodes.enhanceYourCalm), '000004 03 00 00000003 0000000b'],
  ['WINDOW_UPDATE', windowUpdate(0, 65_536), '000004 08 00 00000000 00010000'],
  ['PRIORITY', priority(5, 1, 256), '000005 02 00 00000005 00000001 ff'],
])('%s is laid out as in RFC 9113', (_, bytes, hex) => {
  expect(bytes.toString('hex')).toBe(hex.replaceAll(' ', ''));
});

test('whole frames are taken from a chunk, and the rest is left', () => {
  const cut = ping().subarray(0, 10);
  const { frames, rest } = takeFrames(Buffer.concat([reset(1, 8), data(3, Buffer.from('a')), cut]));
  expect(frames.map(({ type, streamId }) => [type, streamId])).toEqual([
    [types.reset, 1],
    [types.data, 3],
  ]);
  expect(frames.slice(0, 1).map(readReset)).toEqual([8]);
  expect(rest).toEqual(cut);
});
