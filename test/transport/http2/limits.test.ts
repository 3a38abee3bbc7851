import { afterEach, expect, test } from 'vitest';
import { grpcNetwork } from '../../../src/transport/grpc/network.ts';
import { http2Limits } from '../../../src/transport/http2/limits.ts';
import { type Listener, type ListenOptions, serveStream } from '../../../src/transport/rpc.ts';
import { RpcError } from '../../../src/transport/status.ts';
import { ownLoopback } from '../../sidecar/own-loopback.ts';
import { chat, echo, echoAll, mib, serveEcho } from '../test-service.ts';
import {
  callHeaders,
  continuation,
  data,
  errorCodes,
  type Frame,
  frame,
  headers,
  indexed,
  inserted,
  literal,
  message,
  ping,
  preface,
  priority,
  readGoAway,
  readReset,
  reset,
  settings,
  settingsAck,
  tableSizeUpdate,
  types,
  windowUpdate,
} from './raw-frames.ts';
import { RawPeer } from './raw-peer.ts';

const toClose: { close(): void }[] = [];
const refused: string[] = [];
afterEach(() => {
  for (const each of toClose.splice(0)) each.close();
  refused.length = 0;
});

/** Its handlers: `echo`, and a stream that nobody reads unless it says `chat`. */
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

async function greet({ address }: Listener, ...own: Buffer[]): Promise<RawPeer> {
  const peer = await RawPeer.greet(address, { first: [preface, own[0] ?? settings()] });
  toClose.push(peer);
  return peer;
}

const isGoAway = ({ type }: Frame): boolean => type === types.goAway;
const isReset = ({ type }: Frame): boolean => type === types.reset;
const call = callHeaders(echo.path);
const stream = callHeaders(chat.path);
const times = (count: number, bytes: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => bytes));
const ids = (count: number, from = 1): number[] => Array.from({ length: count }, (_, index) => from + 2 * index);
/** What a header block refers to is text without Huffman. */
const large = (bytes: number): Buffer => literal('x-large', 'a'.repeat(bytes));

const unproven: Partial<ListenOptions> = {
  authorize() {
    throw new RpcError('UNAUTHENTICATED', 'nobody is known here');
  },
};

const { streamWindowBytes, largeMessageBytes, headerBlockBytes, headerBlockFrames, headerTableBytes } = http2Limits;
const { controlFrames, settingsFrames, resets, refusedStreams, discardedBytes } = http2Limits;
/** What is allowed in a second comes on top, and a busy machine takes some. */
const over = 3 * controlFrames.burst;
const calm = errorCodes.enhanceYourCalm;

interface Flood {
  readonly what: string;
  readonly options?: Partial<ListenOptions>;
  readonly sent: Buffer[];
  readonly code: number;
  readonly debug: string;
}

const floods: readonly Flood[] = [
  {
    what: 'a header block of too many bytes',
    sent: [
      headers(1, large(16_000), { more: true }),
      continuation(1, large(16_000), { more: true }),
      continuation(1, large(1_000)),
    ],
    ...{ code: calm, debug: `a header block has more than ${headerBlockBytes} bytes` },
  },
  {
    what: 'a header block of too many frames, without bytes',
    sent: [
      headers(1, call, { more: true }),
      times(headerBlockFrames, continuation(1, Buffer.alloc(0), { more: true })),
    ],
    ...{ code: calm, debug: `a header block has more than ${headerBlockFrames} frames` },
  },
  {
    what: 'a larger table than was allowed',
    sent: [headers(1, Buffer.concat([tableSizeUpdate(headerTableBytes + 1), call]))],
    ...{ code: errorCodes.compressionError, debug: 'table' },
  },
  {
    what: 'a frame of more bytes than every peer takes',
    sent: [frame(types.data, { streamId: 1, length: 16_385, payload: Buffer.alloc(10) })],
    ...{ code: errorCodes.frameSizeError, debug: 'a frame of 16385 bytes; at most 16384 are allowed' },
  },
  {
    what: 'PINGs without end',
    sent: [times(over, ping())],
    ...{ code: calm, debug: 'too many frames without data' },
  },
  {
    what: 'SETTINGS without end',
    sent: [times(settingsFrames.burst + 100, settings())],
    ...{ code: calm, debug: 'too many SETTINGS frames' },
  },
  {
    what: 'SETTINGS acknowledgements without end',
    sent: [times(settingsFrames.burst + 100, settingsAck)],
    ...{ code: calm, debug: 'too many SETTINGS frames' },
  },
  {
    what: 'window updates by 1 without end',
    sent: [headers(1, stream), times(over / 2, Buffer.concat([windowUpdate(0, 1), windowUpdate(1, 1)]))],
    ...{ code: calm, debug: 'too many frames without data' },
  },
  {
    what: 'empty DATA without end',
    sent: [headers(1, stream), times(over, data(1))],
    ...{ code: calm, debug: 'too many frames without data' },
  },
  {
    what: 'priorities and unknown frames without end',
    sent: [times(over / 2, Buffer.concat([priority(1), frame(0xfa)]))],
    ...{ code: calm, debug: 'too many frames without data' },
  },
  {
    what: 'resets of streams that are over without end',
    sent: [headers(1, call), times(over, reset(1))],
    ...{ code: calm, debug: 'too many' },
  },
  {
    what: 'calls that are reset as soon as they begin, without end',
    sent: [Buffer.concat(ids(3 * resets.burst).flatMap((id) => [headers(id, stream), reset(id)]))],
    ...{ code: calm, debug: 'too many streams that were reset' },
  },
  {
    what: 'calls without a credential, without end',
    options: unproven,
    sent: ids(refusedStreams.burst + 200).map((id) => headers(id, call)),
    ...{ code: calm, debug: 'too many streams that were refused' },
  },
  {
    what: 'calls that break the protocol, each in its own stream, without end',
    sent: ids(refusedStreams.burst + 200).map((id) => headers(id, Buffer.concat([call, literal('UPPER', 'case')]))),
    ...{ code: calm, debug: 'too many streams that were refused' },
  },
  {
    what: 'the body of a refused call, without end',
    options: unproven,
    sent: [headers(1, call), times(Math.ceil((discardedBytes.burst + mib) / 16_384), data(1, Buffer.alloc(16_384)))],
    ...{ code: calm, debug: 'too much data for refused calls' },
  },
];

for (const { what, options, sent, code, debug } of floods) {
  test(`${what}: the connection ends, and the client and the listener are told why`, async () => {
    const listener = await listen(options);
    const peer = await greet(listener);
    await peer.flood((index) => sent[index]);
    const end = readGoAway(await peer.next(isGoAway));
    expect(end.code).toBe(code);
    expect(end.debug).toContain(debug);
    await peer.closed;
    expect(refused.join()).toContain(debug);
    expect((await greet(listener)).isClosed).toBe(false);
  });
}

test('a header list that is too large is refused with the status that HTTP has for it', async () => {
  const peer = await greet(await listen());
  peer.send(
    headers(1, Buffer.concat([call, inserted('x-bomb', 'b'.repeat(4_000)), times(4, indexed(62))]), { end: true }),
  );
  const { payload } = await peer.next(({ type }) => type === types.data);
  expect(payload.toString()).toContain('The header fields are too large');
  peer.send(headers(3, call), data(3, message(Buffer.from('"still served"')), { end: true }));
  const answer = await peer.next(({ type, streamId }) => type === types.data && streamId === 3);
  expect(answer.payload.toString()).toContain('still served');
});

test('a stream that nobody reads takes no more than its window, beyond which it is reset', async () => {
  const peer = await greet(await listen({ routes: [serveStream(chat, () => new Promise<void>(() => {}))] }));
  const whole = data(1, message(Buffer.alloc(16_000)));
  peer.send(headers(1, stream));
  await peer.flood((index) => (index * 16_005 <= 2 * streamWindowBytes ? whole : undefined));
  const end = await peer.next(isReset);
  expect([end.streamId, readReset(end)]).toEqual([1, errorCodes.flowControlError]);
});

test('messages that are longer than a window take turns, and one that does not wait for its turn is reset', async () => {
  const peer = await greet(await listen());
  const half = (id: number): Buffer => data(id, message(Buffer.alloc(1_000), { length: 2 * mib }));
  const inTurn = ids(largeMessageBytes / (2 * mib));
  for (const id of inTurn) peer.send(headers(id, call), half(id));
  for (const id of inTurn) await peer.next(({ type, streamId }) => type === types.windowUpdate && streamId === id);
  const late = inTurn.length * 2 + 1;
  peer.send(headers(late, call), half(late), times(5, data(late, Buffer.alloc(16_000))));
  const end = await peer.next(isReset);
  expect([end.streamId, readReset(end)]).toEqual([late, errorCodes.flowControlError]);
  // The first ends, and its turn is the next one's.
  peer.send(headers(late + 2, call), half(late + 2), reset(1));
  await peer.next(({ type, streamId }) => type === types.windowUpdate && streamId === late + 2);
});

test('while a client does not read what it is answered, no more of it is read', async () => {
  const peer = await greet(await listen());
  peer.hold();
  const wrong = callHeaders(`/${'long'.repeat(1_000)}`);
  const calls = 10_000;
  const together = 100;
  const all = peer.flood((index) => {
    if (index * together >= calls) return undefined;
    return Buffer.concat(ids(together, 2 * index * together + 1).map((id) => headers(id, wrong, { end: true })));
  });
  const takenBytes = (): number => peer.socket.bytesWritten - peer.socket.writableLength;
  await expect.poll(async () => (await unchanged(takenBytes)) && peer.socket.writableLength > 0).toBe(true);
  expect(takenBytes()).toBeLessThan((calls * wrong.length) / 2);
  peer.discard();
  await all;
  await expect.poll(() => peer.socket.writableLength, { timeout: 60_000 }).toBe(0);
});

async function unchanged(value: () => number): Promise<boolean> {
  const before = value();
  for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return value() === before;
}
