import {
  createServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { aborted } from '../../src/base/async/aborted.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import type { Connection } from '../../src/transport/rpc.ts';
import { collect, failureOf } from '../transport/test-service.ts';
import { kib, manyPairs, mib, patterned } from './call-outcomes.ts';
import { methods } from './peers/methods.ts';
import { framed, messagesOf } from './peers/prefixed-messages.ts';

const head = { ':status': 200, 'content-type': 'application/grpc' };

type Handle = (stream: ServerHttp2Stream) => void;

interface OddServer {
  readonly server: Http2Server;
  readonly connection: Connection;
  readonly session: ServerHttp2Session;
}

/** A server of node:http2 with one way to answer, and a connection of ours to it. */
async function serve(handle: Handle, settings: Settings = {}): Promise<OddServer> {
  const server = createServer({ settings });
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    handle(stream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const connection = await grpcNetwork.connect(address, { timeoutMs: 5_000, maxMessageBytes: 2 * mib });
  onTestFinished(() => {
    connection.close();
    for (const session of sessions) session.destroy();
    server.close();
  });
  const [session] = sessions;
  if (!session) throw new Error('the client has no session');
  return { server, connection, session };
}

function respond(stream: ServerHttp2Stream, message: Uint8Array, trailers: object = {}): void {
  stream.respond(head, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', ...trailers }));
  stream.end(framed(message));
}

const answer = async (stream: ServerHttp2Stream): Promise<void> => {
  for await (const message of messagesOf(stream)) respond(stream, message);
};
const echo: Handle = (stream) => void answer(stream);

const echoed = async (connection: Connection, request: Buffer): Promise<boolean> =>
  request.equals(await connection.unary(methods.echo, request));

describe('our client gets its answer from a server', () => {
  it.each([
    ['that has windows of one byte', { initialWindowSize: 1 }, kib],
    ['that keeps no dynamic table', { headerTableSize: 0 }, kib],
    ['that keeps a large dynamic table', { headerTableSize: 65_536 }, kib],
    ['that takes frames of 16 MiB', { maxFrameSize: 2 ** 24 - 1, initialWindowSize: 2 ** 31 - 1 }, mib],
    ['that names a setting that we do not know', { customSettings: { 4660: 1 } }, kib],
  ])('%s', async (_, settings, byteLength) => {
    const { connection } = await serve(echo, settings);
    for (let turn = 0; turn < 3; turn += 1) expect(await echoed(connection, patterned(byteLength))).toBe(true);
  });

  it('that lets one call be open at a time', async () => {
    let open = 0;
    let peak = 0;
    const { connection } = await serve(
      (stream) => {
        open += 1;
        peak = Math.max(peak, open);
        stream.on('close', () => {
          open -= 1;
        });
        echo(stream);
      },
      { maxConcurrentStreams: 1 },
    );
    const calls = Array.from({ length: 20 }, (_, index) => echoed(connection, Buffer.alloc(10, index)));
    expect(await Promise.all(calls)).toEqual(Array(20).fill(true));
    expect(peak).toBe(1);
  });

  it('that lets no call be open, once it lets one', async () => {
    const { connection, session } = await serve(echo, { maxConcurrentStreams: 0 });
    const late = await failureOf(connection.unary(methods.echo, Buffer.from('late'), { timeoutMs: 300 }));
    expect(late.code).toBe('DEADLINE_EXCEEDED');
    const waiting = echoed(connection, Buffer.from('patient'));
    session.settings({ maxConcurrentStreams: 1 });
    expect(await waiting).toBe(true);
  });

  it('that changes its settings while it reads', async () => {
    const { connection, session } = await serve(echo, { initialWindowSize: 100 });
    const answer = echoed(connection, patterned(mib));
    for (const initialWindowSize of [1, 1_000, 65_535, mib])
      session.settings({ initialWindowSize, headerTableSize: 0 });
    expect(await answer).toBe(true);
  });

  it('that pings', async () => {
    const { session } = await serve(echo);
    await new Promise<void>((resolve, reject) => session.ping((error) => (error ? reject(error) : resolve())));
  });

  it('that sends interim responses first', async () => {
    const { connection } = await serve((stream) => {
      stream.additionalHeaders({ ':status': 103, link: '</style.css>' });
      stream.additionalHeaders({ ':status': 102 });
      echo(stream);
    });
    expect(await echoed(connection, Buffer.from('hello'))).toBe(true);
  });

  it('that sends 100 trailers, binary ones among them', async () => {
    const trailers = { ...manyPairs(100), 'x-secret-bin': patterned(100).toString('base64') };
    const { connection } = await serve((stream) => respond(stream, Buffer.from('x'), trailers));
    const stream = connection.stream({ ...methods.echo, kind: 'bidi_streaming' });
    stream.write(Buffer.from('x'));
    stream.end();
    expect(await collect(stream)).toHaveLength(1);
    expect(stream.trailers).toEqual(manyPairs(100));
  });

  it('that sends its messages in pieces of any size, and empty frames', async () => {
    const { connection } = await serve((stream) => {
      stream.respond(head, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      const bytes = Buffer.concat([framed(Buffer.from('one')), framed(Buffer.from('')), framed(patterned(300))]);
      for (const byte of bytes.subarray(0, 20)) stream.write(Buffer.from([byte]));
      stream.write(Buffer.alloc(0));
      stream.end(bytes.subarray(20));
    });
    const stream = connection.stream(methods.chat);
    stream.end();
    const received = (await collect(stream)) as Buffer[];
    expect(received.map(({ byteLength }) => byteLength)).toEqual([3, 0, 300]);
  });
});

describe('our client learns how a call failed', () => {
  it.each([
    ['400', 'INTERNAL'],
    ['401', 'UNAUTHENTICATED'],
    ['403', 'PERMISSION_DENIED'],
    ['404', 'UNIMPLEMENTED'],
    ['429', 'UNAVAILABLE'],
    ['502', 'UNAVAILABLE'],
    ['503', 'UNAVAILABLE'],
    ['504', 'UNAVAILABLE'],
    ['418', 'UNKNOWN'],
  ])('from the HTTP status %s of a proxy: %s', async (status, code) => {
    const { connection } = await serve((stream) => {
      stream.respond({ ':status': Number(status), 'content-type': 'text/html' });
      stream.end('<h1>no</h1>');
    });
    expect((await failureOf(connection.unary(methods.echo, Buffer.from('x')))).code).toBe(code);
    const stream = connection.stream(methods.chat);
    expect((await failureOf(collect(stream))).code).toBe(code);
  });

  it.each([
    ['NGHTTP2_NO_ERROR', 0, 'INTERNAL'],
    ['NGHTTP2_PROTOCOL_ERROR', 1, 'INTERNAL'],
    ['NGHTTP2_REFUSED_STREAM', 7, 'UNAVAILABLE'],
    ['NGHTTP2_CANCEL', 8, 'CANCELLED'],
    ['NGHTTP2_ENHANCE_YOUR_CALM', 11, 'RESOURCE_EXHAUSTED'],
    ['NGHTTP2_INADEQUATE_SECURITY', 12, 'PERMISSION_DENIED'],
  ])('from a reset with %s (%d): %s', async (_, reset, code) => {
    const { connection } = await serve((stream) => {
      stream.respond(head);
      stream.write(framed(Buffer.from('first')));
      stream.resume().on('end', () => stream.close(reset));
    });
    expect((await failureOf(connection.unary(methods.echo, Buffer.from('x')))).code).toBe(code);
    expect(connection.draining.aborted).toBe(false);
  });

  it.each([
    [
      'whose trailers have no status',
      (stream: ServerHttp2Stream) => {
        stream.respond(head);
        stream.end(framed(Buffer.from('x')));
      },
    ],
    [
      'whose status is no number',
      (stream: ServerHttp2Stream) => respond(stream, Buffer.from('x'), { 'grpc-status': 'ok' }),
    ],
    [
      'whose status is not defined',
      (stream: ServerHttp2Stream) => respond(stream, Buffer.from('x'), { 'grpc-status': '77' }),
    ],
  ])('from a server %s', async (_, handle) => {
    const { connection } = await serve(handle);
    expect((await failureOf(connection.unary(methods.echo, Buffer.from('x')))).code).toMatch(/^(?:UNKNOWN|INTERNAL)$/);
  });

  it('from a message that is compressed as nobody asked for', async () => {
    const { connection } = await serve((stream) => {
      stream.respond({ ...head, 'grpc-encoding': 'snappy' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(framed(Buffer.from('x'), true));
    });
    expect((await failureOf(connection.unary(methods.echo, Buffer.from('x')))).code).toMatch(/^(?:UNKNOWN|INTERNAL)$/);
  });

  it('from a server that goes away, with what its GOAWAY let end well', async () => {
    const streams: ServerHttp2Stream[] = [];
    const { connection, session } = await serve((stream) => streams.push(stream));
    const calls = [1, 2, 3].map((index) => connection.unary(methods.echo, Buffer.from(`${index}`)));
    const outcomes = Promise.allSettled(calls);
    await expect.poll(() => streams.length).toBe(3);
    session.goaway(0, streams[1]?.id);
    await aborted(connection.draining);
    for (const stream of streams.slice(0, 2)) echo(stream);
    const settled = await outcomes;
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(settled[2]).toMatchObject({ reason: { code: 'UNAVAILABLE' } });
    await aborted(connection.closed);
  });
});
