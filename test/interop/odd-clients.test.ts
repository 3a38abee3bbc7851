import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type Settings,
} from 'node:http2';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  callHeaders,
  continuation,
  data,
  type Frame,
  flags,
  frame,
  headers,
  ping,
  preface,
  priority,
  settings,
  types,
  windowUpdate,
} from '../transport/http2/raw-frames.ts';
import { RawPeer } from '../transport/http2/raw-peer.ts';
import { kib, mib, patterned } from './call-outcomes.ts';
import { endPeers, type RunningServer, startServer } from './peer-process.ts';
import { framed, messagesOf } from './peers/prefixed-messages.ts';

let server: RunningServer;
const opened: { close(): void }[] = [];

beforeAll(async () => {
  server = await startServer('ours');
});

afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});

afterAll(async () => {
  expect(server.peer.stderr).toBe('');
  await endPeers();
});

async function session(settings: Settings = {}): Promise<ClientHttp2Session> {
  const client = connect(`http://${server.address}`, { settings });
  opened.push({ close: () => client.destroy() });
  client.on('error', () => {});
  await once(client, 'remoteSettings');
  return client;
}

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly messages: readonly Buffer[];
}

async function call(
  client: ClientHttp2Session,
  method: string,
  body: Uint8Array | undefined,
  headers: OutgoingHttpHeaders = {},
): Promise<Answer> {
  const path = `/interop.Peer/${method}`;
  const request = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  const stream = client.request({ ...request, ...headers }, { endStream: body === undefined });
  let trailers: IncomingHttpHeaders = {};
  stream.on('trailers', (received) => {
    trailers = received;
  });
  const responded = once(stream, 'response');
  if (body) stream.end(body);
  const [received] = (await responded) as [IncomingHttpHeaders];
  const messages: Buffer[] = [];
  for await (const message of messagesOf(stream)) messages.push(message);
  return { headers: received, trailers, messages };
}

const statusOf = ({ headers, trailers }: Answer): unknown => trailers['grpc-status'] ?? headers['grpc-status'];

describe('a client of node:http2 gets its answer', () => {
  it.each([
    ['that has windows of one byte', { initialWindowSize: 1 }, kib],
    ['that keeps no dynamic table', { headerTableSize: 0 }, kib],
    ['that takes frames of 16 MiB', { maxFrameSize: 2 ** 24 - 1, initialWindowSize: 2 ** 31 - 1 }, mib],
    [
      'that takes no pushes and knows a setting that we do not',
      { enablePush: false, customSettings: { 4660: 1 } },
      kib,
    ],
  ])('%s', async (_, settings, byteLength) => {
    const client = await session(settings);
    const message = patterned(byteLength);
    for (let turn = 0; turn < 3; turn += 1) {
      const answer = await call(client, 'Echo', framed(message));
      expect([statusOf(answer), answer.messages.length]).toEqual(['0', 1]);
      expect(answer.messages[0]?.equals(message)).toBe(true);
    }
  });

  it('that changes its settings while it is served', async () => {
    const client = await session({ initialWindowSize: 100 });
    const answer = call(client, 'Echo', framed(patterned(mib)));
    for (const initialWindowSize of [1, 1_000, 65_535, mib]) client.settings({ initialWindowSize, headerTableSize: 0 });
    expect((await answer).messages[0]?.equals(patterned(mib))).toBe(true);
  });

  it('that pings', async () => {
    const client = await session();
    const payload = Buffer.from('12345678');
    const echoed = await new Promise<Buffer>((resolve, reject) => {
      client.ping(payload, (error, _, answer) => (error ? reject(error) : resolve(answer)));
    });
    expect(echoed.equals(payload)).toBe(true);
  });
});

describe('a caller that speaks gRPC by hand', () => {
  it('gets a status without a message as headers that end the stream', async () => {
    const client = await session();
    const asked = Buffer.from(JSON.stringify({ code: 5, message: 'grün: 100 %', trailers: { topic: 'a.b' } }));
    const { headers, trailers, messages } = await call(client, 'End', framed(asked));
    expect(headers).toMatchObject({ ':status': 200, 'grpc-status': '5', topic: 'a.b' });
    expect(headers['content-type']).toMatch(/^application\/grpc/);
    // Only space and ~ limit what is sent as it is: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses
    expect(decodeURIComponent(String(headers['grpc-message']))).toBe('grün: 100 %');
    expect(headers['grpc-message']).toMatch(/^[\x20-\x7e]*$/);
    expect([trailers, messages]).toEqual([{}, []]);
  });

  it.each(['application/grpc', 'application/grpc+proto', 'application/grpc+thrift', 'application/grpc;charset=utf-8'])(
    'is served with the content type %s',
    async (type) => {
      const answer = await call(await session(), 'Echo', framed(patterned(10)), { 'content-type': type });
      expect(statusOf(answer)).toBe('0');
    },
  );

  it('is told that its deadline has passed though it does not end the call', async () => {
    const answer = await call(await session(), 'Gate', framed(patterned(10)), { 'grpc-timeout': '300m' });
    expect(statusOf(answer)).toBe('4');
    await server.peer.event('gated');
    server.peer.order({ do: 'open' });
  });

  it('may compress some messages of a call and others not', async () => {
    const body = Buffer.concat([
      framed(gzipSync('small'), true),
      framed(Buffer.from('plain')),
      framed(gzipSync(''), true),
    ]);
    const answer = await call(await session(), 'Chat', body, { 'grpc-encoding': 'gzip' });
    expect([statusOf(answer), ...answer.messages.map(String)]).toEqual(['0', 'small', 'plain', '']);
  });

  it.each([
    ['a method that is not there', '/interop.Peer/Nothing'],
    ['a service that is not there', '/other.Service/Echo'],
    ['a path that names no method', '/'],
  ])('is told UNIMPLEMENTED for %s', async (_, path) => {
    const answer = await call(await session(), 'Echo', framed(patterned(10)), { ':path': path });
    expect(statusOf(answer)).toBe('12');
  });

  it.each([
    ['405', 'GET', { ':method': 'GET' }],
    ['415', 'another content type', { 'content-type': 'text/plain' }],
    ['415', 'a content type that begins alike', { 'content-type': 'application/grpc-web' }],
    ['431', 'more header fields than the limit', { 'x-large': 'x'.repeat(16 * kib) }],
  ])('gets %s for %s', async (status, _, headers: OutgoingHttpHeaders) => {
    const client = await session();
    const { headers: received } = await call(
      client,
      'Echo',
      status === '405' ? undefined : framed(patterned(10)),
      headers,
    );
    expect(received[':status']).toBe(Number(status));
    expect(statusOf(await call(client, 'Echo', framed(patterned(10))))).toBe('0');
  });

  it('is told which compression is known when it uses another', async () => {
    const answer = await call(await session(), 'Echo', framed(patterned(10), true), { 'grpc-encoding': 'snappy' });
    expect(statusOf(answer)).toBe('12');
  });

  it.each([
    ['that is compressed and does not say how', {}, framed(patterned(10), true), '13'],
    ['that is cut off', {}, framed(patterned(10)).subarray(0, 12), '13'],
    ['that is not what its compression says', { 'grpc-encoding': 'gzip' }, framed(patterned(10), true), '13'],
    ['that is larger than the limit', {}, Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), '8'],
  ])('fails with a message %s', async (_, headers, body, expected) => {
    const client = await session();
    expect(statusOf(await call(client, 'Echo', body, headers))).toBe(expected);
    expect(statusOf(await call(client, 'Echo', framed(patterned(10))))).toBe('0');
  });

  it('sees GOAWAY at once when the server drains, and its open calls to their end', async () => {
    const own = await startServer('ours');
    const client = connect(`http://${own.address}`);
    opened.push({ close: () => client.destroy() });
    const open = call(client, 'Gate', framed(patterned(10)));
    await own.peer.event('gated');
    own.peer.order({ do: 'drain' });
    const [code] = await once(client, 'goaway');
    expect(code).toBe(0);
    own.peer.order({ do: 'open' });
    expect(statusOf(await open)).toBe('0');
    await once(client, 'close');
    await own.peer.event('drained');
  });
});

describe('a client that frames by hand', () => {
  const raw = async (values: Parameters<typeof settings>[0] = {}): Promise<RawPeer> => {
    const client = await RawPeer.greet(server.address, { first: [preface, settings(values)] });
    opened.push(client);
    return client;
  };
  const echo = callHeaders('/interop.Peer/Echo');
  const isData = ({ type, payload }: Frame): boolean => type === types.data && payload.byteLength > 0;
  const isEnd = ({ type, flags: set }: Frame): boolean => type === types.headers && (set & flags.endStream) !== 0;

  /** What the data frames hold until the stream ends. */
  async function body(client: RawPeer): Promise<Buffer> {
    const parts: Buffer[] = [];
    await client.next((frame) => {
      if (isData(frame)) parts.push(frame.payload);
      return isEnd(frame);
    });
    return Buffer.concat(parts);
  }

  it('gets an answer byte by byte as it opens its window so', async () => {
    const client = await raw({ initialWindowSize: 0 });
    const sent = framed(patterned(20));
    client.send(headers(1, echo), data(1, sent, { end: true }));
    for (const byte of sent) {
      client.send(windowUpdate(1, 1));
      expect([...(await client.next(isData)).payload]).toEqual([byte]);
    }
    expect(await body(client)).toHaveLength(0);
  });

  it('gets nothing on a stream whose window went below zero until it is above again', async () => {
    const client = await raw({ initialWindowSize: 40 });
    client.send(headers(1, echo), data(1, framed(patterned(95)), { end: true }));
    expect((await client.next(isData)).payload).toHaveLength(40);
    client.send(settings({ initialWindowSize: 10 }), windowUpdate(1, 30), ping());
    await client.next(({ type }) => type === types.ping);
    expect(client.unread.filter(isData)).toEqual([]);
    client.send(windowUpdate(1, 60));
    expect(await body(client)).toHaveLength(60);
  });

  it('may send its body byte by byte, with empty frames in between', async () => {
    const client = await raw();
    const sent = framed(patterned(20));
    client.send(headers(1, echo));
    for (const byte of sent) client.send(data(1, Buffer.from([byte])), data(1));
    client.send(data(1, Buffer.alloc(0), { end: true }));
    expect((await body(client)).equals(sent)).toBe(true);
  });

  it('may split its headers into CONTINUATION frames as it likes', async () => {
    const client = await raw();
    const block = callHeaders('/interop.Peer/Echo', { 'x-large': 'x'.repeat(kib) });
    client.send(headers(1, block.subarray(0, 1), { more: true }));
    client.send(continuation(1, block.subarray(1, 100), { more: true }));
    client.send(continuation(1, Buffer.alloc(0), { more: true }));
    client.send(continuation(1, block.subarray(100)), data(1, framed(patterned(10)), { end: true }));
    expect(await body(client)).toHaveLength(15);
  });

  it('may send PRIORITY for streams that are idle, open and closed, and frames of types that nobody knows', async () => {
    const client = await raw();
    for (const streamId of [1, 3, 5]) {
      client.send(priority(streamId), headers(streamId, echo), data(streamId, framed(patterned(20)), { end: true }));
      client.send(frame(0xbe, { flags: 0xff, streamId, payload: Buffer.from('nobody knows') }), priority(streamId));
      expect(await body(client)).toHaveLength(25);
    }
  });
});
