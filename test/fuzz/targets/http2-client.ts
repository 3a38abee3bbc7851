import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { GrpcConnection } from '../../../src/transport/grpc/client/connection.ts';
import { RpcError } from '../../../src/transport/status.ts';
import * as raw from '../../transport/http2/raw-frames.ts';
import { chat, echo } from '../../transport/test-service.ts';
import { answeredFrames, outcomeOf } from '../answered-frames.ts';
import { bytesInput, type Ready, scriptInput, scriptOf, serverBegin } from '../frame-script.ts';
import type { FuzzTarget } from '../fuzz-target.ts';
import { MemorySocket } from '../memory-socket.ts';

const reply = raw.message(Buffer.from('"reply"'));
const ok = Buffer.concat([raw.indexed(8), raw.literal('content-type', 'application/grpc')]);
const okStatus = raw.literal('grpc-status', '0');
const ready: Ready = {
  begin: serverBegin,
  payloads: [
    ok,
    okStatus,
    Buffer.concat([ok, raw.literal('grpc-status', '7'), raw.literal('grpc-message', 'no%20%E2%82%AC%')]),
    Buffer.concat([ok, raw.literal('grpc-encoding', 'gzip')]),
    raw.literal(':status', '100'),
    Buffer.concat([raw.literal(':status', '503'), raw.literal('content-type', 'text/html')]),
    reply,
    Buffer.concat([reply, raw.message(gzipSync('"reply"'), { compressed: 1 })]),
    raw.message(Buffer.from('"long"'), { length: 60_000 }),
    raw.message(Buffer.alloc(0), { length: 2 ** 31 }),
  ],
};
const [, , refused = ok, zipped = ok, interim = ok, unavailable = ok, , both = ok, cut = ok] = ready.payloads;

const conversations = [
  [
    ...[raw.headers(1, ok), raw.data(1, reply), raw.headers(1, okStatus, { end: true })],
    ...[raw.headers(3, ok), raw.data(3, reply), raw.headers(3, okStatus, { end: true })],
    ...[raw.headers(5, ok), raw.data(5, reply), raw.data(5, reply), raw.headers(5, okStatus, { end: true })],
  ],
  [
    ...[raw.headers(1, refused, { end: true }), raw.reset(3, raw.errorCodes.refusedStream)],
    ...[raw.headers(5, zipped), raw.data(5, both), raw.ping(), raw.goAway(5, raw.errorCodes.noError, 'later')],
  ],
  [
    raw.settings({ initialWindowSize: 300, maxConcurrentStreams: 1, headerTableSize: 50 }),
    ...[raw.headers(1, interim), raw.headers(1, unavailable), raw.data(1, Buffer.from('<html>'), { end: true })],
    ...[
      raw.windowUpdate(3, 10),
      raw.windowUpdate(0, 2 ** 30),
      raw.settings({ maxConcurrentStreams: 3 }),
      raw.settingsAck,
    ],
  ],
  [
    ...[raw.headers(5, ok.subarray(0, 1), { more: true }), raw.continuation(5, ok.subarray(1)), raw.data(5, cut)],
    ...[raw.data(5, Buffer.alloc(200)), raw.headers(5, okStatus), raw.frame(5, { streamId: 1, payload: reply })],
  ],
].map((frames) => Buffer.concat(frames));

/** A server's bytes to a client with two unary calls and a stream. */
export const target: FuzzTarget = {
  seeds: [
    ...conversations.flatMap((frames) => [scriptInput(frames, ready), scriptInput(frames, ready, 7)]),
    ...conversations.map((frames) => bytesInput(Buffer.concat([serverBegin, frames]))),
  ],
  async run(input) {
    const { chunks, allows } = scriptOf(input, ready);
    const socket = new MemorySocket();
    const outcomes: string[] = [];
    const settle = (call: Promise<unknown>): void => {
      begun += 1;
      call.then(
        () => outcomes.push('OK'),
        (error: unknown) => outcomes.push(RpcError.from(error).code),
      );
    };
    let begun = 0;
    const options = { timeoutMs: 1, maxMessageBytes: 100_000 };
    const connection = new GrpcConnection(socket.asSocket, 'server:1', options, () => {
      settle(connection.unary(echo, 'asked'));
      settle(connection.unary(echo, 'x'.repeat(1_000)));
      const stream = connection.stream(chat);
      stream.write('first');
      settle(readAll(stream));
    });
    for (const chunk of chunks) socket.give(chunk);
    await nextTurn();
    connection.close();
    socket.destroy();
    await nextTurn();
    assert.equal(outcomes.length, begun, 'a call on a connection that is closed has not ended');
    assert.ok(connection.closed.aborted, 'the connection is not closed');
    const frames = answeredFrames(socket.written, allows, raw.preface.length);
    return `${outcomes.join()} ${outcomeOf(frames)}`;
  },
};

async function readAll(messages: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of messages);
}
