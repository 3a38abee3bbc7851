import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aborted } from '../../src/base/async/aborted.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import type { Connection, StreamMethod } from '../../src/transport/rpc.ts';
import { statusCodes } from '../../src/transport/status.ts';
import { collect, failureOf } from '../transport/test-service.ts';
import { awkwardMessage, base64, kib, largeValue, manyPairs, mib, patterned, shown } from './call-outcomes.ts';
import { endPeers, type RunningServer, startServer } from './peer-process.ts';
import { type Description, fromJson, methods, toJson } from './peers/methods.ts';

const servers = ['grpc-go', "gRPC's C core", 'grpc-java', 'grpc-js', 'node:http2'] as const;

type Bytes = StreamMethod<Uint8Array, Uint8Array>;

describe.each(servers)('our client calls a server of %s:', (name) => {
  let server: RunningServer;
  let connection: Connection;

  beforeAll(async () => {
    server = await startServer(name);
    connection = await grpcNetwork.connect(server.address, { timeoutMs: 10_000, maxMessageBytes: 4 * mib });
  });

  afterAll(async () => {
    connection.close();
    await endPeers();
  });

  /** All answers to these messages, after which the client half-closes unless it is told to stay. */
  const answers = async (method: Bytes, send: readonly Uint8Array[], { staysOpen = false } = {}): Promise<string[]> => {
    const stream = connection.stream(method);
    for (const message of send) stream.write(message);
    if (!staysOpen) stream.end();
    return shown((await collect(stream)).map((message) => base64(message as Uint8Array)));
  };

  it.each([0, 256, mib])('a message of %d bytes comes back as it was', async (byteLength) => {
    const request = patterned(byteLength);
    expect(Buffer.compare(await connection.unary(methods.echo, request), request)).toBe(0);
  });

  it('1,000 calls at once, and 10,000 one after the other, succeed', async () => {
    const requests = Array.from({ length: 1_000 }, (_, index) => Buffer.alloc(256, index % 256));
    const echoed = await Promise.all(requests.map((request) => connection.unary(methods.echo, request)));
    expect(echoed.filter((answer, index) => !requests[index]?.equals(answer))).toEqual([]);
    let unequal = 0;
    for (let turn = 0; turn < 10_000; turn += 1) {
      const request = requests[turn % 1_000] ?? Buffer.alloc(0);
      if (!request.equals(await connection.unary(methods.echo, request))) unequal += 1;
    }
    expect(unequal).toBe(0);
  });

  it.each([
    [300, 100],
    [12, 256 * kib],
  ])('the server streams %d messages of %d bytes', async (count, bytes) => {
    const expected = Array.from({ length: count }, (_, number) => base64(Buffer.alloc(bytes, number % 256)));
    expect(await answers(methods.count, [toJson({ count, bytes })])).toEqual(shown(expected));
  });

  it('the client streams until it half-closes', async () => {
    const stream = connection.stream(methods.collect);
    for (let index = 0; index < 100; index += 1) stream.write(patterned(10_000));
    stream.end();
    const sums = await collect(stream);
    expect(sums.map((sum) => fromJson(sum as Uint8Array))).toEqual([{ messages: 100, bytes: 1_000_000 }]);
  });

  it('both sides stream in turn', async () => {
    const stream = connection.stream(methods.chat);
    const received = stream[Symbol.asyncIterator]();
    for (let index = 0; index < 50; index += 1) {
      stream.write(Buffer.from(`message ${index}`));
      expect(Buffer.from((await received.next()).value).toString()).toBe(`message ${index}`);
    }
    stream.end();
    expect((await received.next()).done).toBe(true);
  });

  it('a message larger than a frame leaves on a stream that was idle, and comes back', async () => {
    const stream = connection.stream(methods.chat);
    const received = stream[Symbol.asyncIterator]();
    for (const byteLength of [1, 100_000, 65_531, mib]) {
      stream.write(patterned(byteLength));
      expect(Buffer.compare((await received.next()).value, patterned(byteLength))).toBe(0);
    }
    stream.end();
    expect((await received.next()).done).toBe(true);
  });

  it('a call ends when the server is done, while the client could still send', async () => {
    const bye = Buffer.from('bye');
    expect(await answers(methods.farewell, [bye], { staysOpen: true })).toEqual([base64(bye)]);
  });

  it('a header of 8 KiB and 60 headers arrive', async () => {
    const metadata = { ...manyPairs(60), 'x-large': largeValue };
    const description = await connection.unary(methods.describe, Buffer.alloc(0), { metadata });
    expect(fromJson<Description>(description).metadata).toMatchObject(metadata);
  });

  it.each([
    [5, 'no such topic'],
    [9, awkwardMessage],
  ])('status %d with the message "%s" arrives, with its trailers', async (code, message) => {
    const trailers = { topic: 'a.b' };
    const failure = await failureOf(connection.unary(methods.end, toJson({ code, message, trailers })));
    expect([failure.code, failure.message]).toEqual([statusCodes[code], message]);
    expect(failure.trailers).toMatchObject(trailers);
  });

  it('a response has many trailers', async () => {
    const trailers = { ...manyPairs(60), 'x-large': largeValue.slice(0, 2_000) };
    const stream = connection.stream({ ...methods.end, kind: 'bidi_streaming' });
    stream.write(toJson({ code: 0, message: '', trailers }));
    stream.end();
    await collect(stream);
    expect(stream.trailers).toMatchObject(trailers);
  });

  it('both sides know the deadline, and the call is over on both', async () => {
    const description = await connection.unary(methods.describe, Buffer.alloc(0), { timeoutMs: 60_000 });
    const { timeoutMs = 0 } = fromJson<Description>(description);
    expect(timeoutMs).toBeGreaterThan(0);
    expect(timeoutMs).toBeLessThanOrEqual(60_000);
    const failure = await failureOf(collect(connection.stream(methods.hang, { timeoutMs: 500 })));
    expect(failure.code).toBe('DEADLINE_EXCEEDED');
    expect((await server.peer.event('lost')).code).toMatch(/^(?:DEADLINE_EXCEEDED|CANCELLED)$/);
  });

  it('the server learns that the client cancelled', async () => {
    const stream = connection.stream(methods.hang);
    const received = stream[Symbol.asyncIterator]();
    expect(Buffer.from((await received.next()).value).toString()).toBe('ready');
    stream.cancel();
    expect((await server.peer.event('lost')).code).toBe('CANCELLED');
  });

  it('a method that is not there is UNIMPLEMENTED', async () => {
    expect((await failureOf(connection.unary(methods.nothing, Buffer.alloc(0)))).code).toBe('UNIMPLEMENTED');
    const stream = connection.stream({ ...methods.nothing, kind: 'bidi_streaming' });
    expect((await failureOf(collect(stream))).code).toBe('UNIMPLEMENTED');
  });

  it('calls in progress end well while the server drains, and later ones are refused', async () => {
    const gated = connection.unary(methods.gate, Buffer.from('patient'));
    await server.peer.event('gated');
    server.peer.order({ do: 'drain' });
    await aborted(connection.draining);
    expect(connection.closed.aborted).toBe(false);
    expect((await failureOf(connection.unary(methods.echo, Buffer.alloc(0)))).code).toBe('UNAVAILABLE');
    server.peer.order({ do: 'open' });
    expect(Buffer.from(await gated).toString()).toBe('patient');
    await aborted(connection.closed);
    await server.peer.event('drained');
  });
});

describe.each(servers)('a server of %s that ends at once', (name) => {
  afterAll(endPeers);

  it('fails open calls with UNAVAILABLE, and the connection is closed', async () => {
    const server = await startServer(name);
    const connection = await grpcNetwork.connect(server.address, { timeoutMs: 10_000, maxMessageBytes: mib });
    const gated = failureOf(connection.unary(methods.gate, Buffer.from('patient')));
    await server.peer.event('gated');
    await server.peer.end();
    expect((await gated).code).toBe('UNAVAILABLE');
    await aborted(connection.closed);
  });
});
