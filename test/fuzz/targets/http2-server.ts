import { setImmediate as nextTurn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { serveStream } from '../../../src/transport/rpc.ts';
import * as raw from '../../transport/http2/raw-frames.ts';
import { chat, count, echo, echoAll, serveEcho } from '../../transport/test-service.ts';
import { answeredFrames, outcomeOf } from '../answered-frames.ts';
import { bytesInput, clientBegin, type Ready, scriptInput, scriptOf } from '../frame-script.ts';
import type { FuzzTarget } from '../fuzz-target.ts';
import { servedInMemory } from '../served-in-memory.ts';

const routes = [
  serveEcho,
  serveStream(chat, echoAll),
  serveStream(count, async (stream) => {
    for (let number = 0; number < 3; number += 1) stream.write('x'.repeat(number * 9_000));
  }),
];

const hello = raw.message(Buffer.from('"hello"'));
const zipped = raw.message(gzipSync('"hello"'), { compressed: 1 });
const cut = raw.message(Buffer.from('"long"'), { length: 60_000 });
const opening = raw.callHeaders;
const unary = opening(echo.path);
const ready: Ready = {
  begin: clientBegin,
  payloads: [
    unary,
    opening(chat.path, { 'grpc-timeout': '1S' }),
    opening(count.path),
    opening(chat.path, { 'grpc-encoding': 'gzip', 'content-length': '32' }),
    opening('/test.Service/Unknown'),
    raw.literal('trailer', 'a'),
    hello,
    Buffer.concat([hello, zipped, hello]),
    zipped,
    cut,
    raw.message(Buffer.alloc(0), { length: 2 ** 31 }),
  ],
};
const [, timed = unary, counted = unary, compressed = unary, unknown = unary, trailers = unary] = ready.payloads;

const conversations = [
  [raw.headers(1, unary), raw.data(1, hello, { end: true })],
  [
    ...[raw.headers(1, timed), raw.data(1, hello), raw.windowUpdate(1, 1_000), raw.windowUpdate(0, 70_000)],
    ...[raw.data(1, hello.subarray(0, 7)), raw.data(1, hello.subarray(7), { end: true })],
  ],
  [
    raw.settings({ initialWindowSize: 5, maxFrameSize: 16_384, headerTableSize: 0, maxConcurrentStreams: 1 }),
    ...[raw.headers(1, counted), raw.data(1, hello, { end: true }), raw.windowUpdate(1, 100)],
    ...[raw.headers(3, counted), raw.data(3, hello, { end: true }), raw.settings({ initialWindowSize: 100_000 })],
  ],
  [
    ...[raw.headers(1, unary.subarray(0, 40), { more: true }), raw.continuation(1, unary.subarray(40)), raw.reset(1)],
    ...[raw.headers(3, unknown, { end: true }), raw.data(3, hello), raw.priority(3, 1), raw.ping(), raw.settingsAck],
    raw.frame(0xda, { payload: hello }),
  ],
  [
    ...[raw.headers(1, compressed), raw.data(1, zipped), raw.headers(1, trailers, { end: true })],
    raw.goAway(0, raw.errorCodes.cancel, 'bye'),
  ],
  [
    ...[raw.headers(1, Buffer.concat([unary, raw.inserted('a', 'b')])), raw.data(1, cut)],
    raw.headers(3, Buffer.concat([raw.tableSizeUpdate(100), unary, raw.indexed(62)])),
  ],
].map((frames) => Buffer.concat(frames));

/** A client's bytes to a server with a unary and two streaming methods. */
export const target: FuzzTarget = {
  seeds: [
    ...conversations.flatMap((frames) => [scriptInput(frames, ready), scriptInput(frames, ready, 7)]),
    ...conversations.map((frames) => bytesInput(Buffer.concat([clientBegin, frames]))),
  ],
  async run(input) {
    const { chunks, allows } = scriptOf(input, ready);
    const { socket, end } = servedInMemory(routes, { maxMessageBytes: 100_000, heldBytes: 64 * 1_024 });
    for (const chunk of chunks) socket.give(chunk);
    await nextTurn();
    await end();
    return outcomeOf(answeredFrames(socket.written, allows));
  },
};
