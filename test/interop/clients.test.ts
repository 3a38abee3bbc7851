import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  awkwardMessage,
  base64,
  json,
  kib,
  largeValue,
  manyPairs,
  mib,
  type Outcome,
  outcome,
  patterned,
  shown,
  texts,
} from './call-outcomes.ts';
import {
  type CallOrder,
  endPeers,
  type PeerProcess,
  type RunningServer,
  startClient,
  startServer,
} from './peer-process.ts';
import type { Description } from './peers/methods.ts';

const clients = ['grpc-go', "gRPC's C core", 'grpc-java', 'grpc-js'] as const;

describe.each(clients)('%s calls our server:', (name) => {
  let server: RunningServer;
  let client: PeerProcess;

  beforeAll(async () => {
    server = await startServer('ours');
    client = startClient(name, server.address);
  });

  afterAll(async () => {
    expect(server.peer.stderr).toBe('');
    await endPeers();
  });

  const call = async (order: CallOrder): Promise<Outcome> => outcome(await client.call(order));

  const described = async (order: object): Promise<Description> => {
    const result = await call({ kind: 'unary', method: 'Describe', send: [''], ...order });
    expect(result).toMatchObject({ code: 0 });
    return JSON.parse(texts(result)[0] ?? '');
  };

  it.each([0, 256, mib])('a message of %d bytes comes back as it was', async (byteLength) => {
    const send = [base64(patterned(byteLength))];
    expect(await call({ kind: 'unary', method: 'Echo', send })).toMatchObject({ code: 0, messages: shown(send) });
  });

  it('1,000 calls at once, and 10,000 one after the other, succeed', async () => {
    const atOnce = await call({ kind: 'many', total: 1_000, atOnce: 1_000, bytes: 256 });
    expect(atOnce).toMatchObject({ codes: { 0: 1_000 }, unequal: 0 });
    const inTurn = await call({ kind: 'many', total: 10_000, atOnce: 1, bytes: 256 });
    expect(inTurn).toMatchObject({ codes: { 0: 10_000 }, unequal: 0 });
    expect(await described({})).toMatchObject({ connections: 1 });
  });

  it.each([
    [300, 100],
    [12, 256 * kib],
  ])('the server streams %d messages of %d bytes', async (count, bytes) => {
    const { code, messages } = await call({ kind: 'stream', method: 'Count', send: [json({ count, bytes })] });
    const expected = Array.from({ length: count }, (_, number) => base64(Buffer.alloc(bytes, number % 256)));
    expect([code, ...messages]).toEqual([0, ...shown(expected)]);
  });

  it('the client streams until it half-closes', async () => {
    const send = Array.from({ length: 100 }, () => base64(patterned(10_000)));
    const result = await call({ kind: 'stream', method: 'Collect', send });
    expect([result.code, ...texts(result)]).toEqual([0, '{"messages":100,"bytes":1000000}']);
  });

  it('both sides stream in turn', async () => {
    const send = Array.from({ length: 50 }, (_, index) => base64(`message ${index}`));
    const chat = await call({ kind: 'stream', method: 'Chat', send, inTurn: true });
    expect(chat).toMatchObject({ code: 0, messages: shown(send) });
  });

  it('messages larger than a frame stream in turn', async () => {
    const send = [1, 100_000, 65_531, mib].map((byteLength) => base64(patterned(byteLength)));
    const chat = await call({ kind: 'stream', method: 'Chat', send, inTurn: true });
    expect(chat).toMatchObject({ code: 0, messages: shown(send) });
  });

  it('a call ends when the server is done, while the client could still send', async () => {
    const send = [base64('bye')];
    const farewell = await call({ kind: 'stream', method: 'Farewell', send, staysOpen: true });
    expect(farewell).toMatchObject({ code: 0, messages: shown(send) });
  });

  it('a header of 8 KiB and 60 headers arrive, and binary ones do no harm', async () => {
    const metadata = { ...manyPairs(60), 'x-large': largeValue };
    const seen = await described({ metadata, binary: { 'x-secret-bin': base64(patterned(255)) } });
    expect(seen.metadata).toEqual(metadata);
  });

  it.each([
    [5, 'no such topic'],
    [9, awkwardMessage],
    [16, ''],
  ])('status %d with the message "%s" arrives, with its trailers', async (code, message) => {
    const trailers = { topic: 'a.b' };
    const end = await call({ kind: 'unary', method: 'End', send: [json({ code, message, trailers })] });
    expect(end).toMatchObject({ code, message, messages: [], trailers });
  });

  it('a response has many trailers', async () => {
    const trailers = { ...manyPairs(60), 'x-large': largeValue.slice(0, 2_000) };
    const send = [json({ code: 0, message: '', trailers })];
    expect(await call({ kind: 'unary', method: 'End', send })).toMatchObject({ code: 0, trailers });
  });

  it('both sides know the deadline, and the call is over on both', async () => {
    const { timeoutMs = 0 } = await described({ timeoutMs: 60_000 });
    expect(timeoutMs).toBeGreaterThan(0);
    // The C core rounds a deadline up.
    expect(timeoutMs).toBeLessThanOrEqual(61_000);
    const hung = await call({ kind: 'stream', method: 'Hang', timeoutMs: 500, staysOpen: true });
    expect(hung).toMatchObject({ code: 4 });
    expect((await server.peer.event('lost')).code).toMatch(/^(?:DEADLINE_EXCEEDED|CANCELLED)$/);
  });

  it('the server learns that the client cancelled', async () => {
    const hung = await call({ kind: 'stream', method: 'Hang', cancelAfter: 1, staysOpen: true });
    expect(hung).toMatchObject({ code: 1, messages: [base64('ready')] });
    expect((await server.peer.event('lost')).code).toBe('CANCELLED');
  });

  it('compressed messages are understood', async () => {
    const large = [base64(Buffer.alloc(256 * kib, 'compressible'))];
    const unary = await call({ kind: 'unary', method: 'Echo', send: large, compress: true });
    expect(unary).toMatchObject({ code: 0, messages: shown(large) });
    const send = [...large, base64('short')];
    const chat = await call({ kind: 'stream', method: 'Chat', send, compress: true });
    expect(chat).toMatchObject({ code: 0, messages: shown(send) });
  });

  it('a method that is not there is UNIMPLEMENTED', async () => {
    expect(await call({ kind: 'unary', method: 'Nothing', send: [''] })).toMatchObject({ code: 12 });
    expect(await call({ kind: 'stream', method: 'Nothing', send: [''] })).toMatchObject({ code: 12 });
  });

  it('calls in progress end well while the server drains, and later ones are refused', async () => {
    const send = [base64('patient')];
    const gated = call({ kind: 'unary', method: 'Gate', send });
    await server.peer.event('gated');
    server.peer.order({ do: 'drain' });
    server.peer.order({ do: 'open' });
    expect(await gated).toMatchObject({ code: 0, messages: shown(send) });
    await server.peer.event('drained');
    expect(await call({ kind: 'unary', method: 'Echo', send })).toMatchObject({ code: 14 });
  });
});
