import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { HeaderDecoder } from '../../../src/transport/http2/hpack/header-decoder.ts';
import { type Codec, type StreamMethod, serveStream } from '../../../src/transport/rpc.ts';
import { type StatusCode, statusCodes } from '../../../src/transport/status.ts';
import * as raw from '../../transport/http2/raw-frames.ts';
import { answeredFrames } from '../answered-frames.ts';
import { clientBegin } from '../frame-script.ts';
import type { FuzzTarget } from '../fuzz-target.ts';
import { servedInMemory } from '../served-in-memory.ts';

const maxMessageBytes = 3_000;
const bytes: Codec<Uint8Array> = { encode: (value) => value, decode: (value) => value };
const method: StreamMethod<Uint8Array, Uint8Array> = {
  ...{ path: '/fuzz.Service/Take', kind: 'bidi_streaming', request: bytes, response: bytes },
};

const text = Buffer.from('what is said '.repeat(5));
const seeds = [
  [raw.message(text), raw.message(Buffer.alloc(0)), raw.message(text)],
  [raw.message(gzipSync(text), { compressed: 1 }), raw.message(text)],
  [raw.message(gzipSync(Buffer.alloc(4_000)), { compressed: 1 }), raw.message(text)],
  [raw.message(text), raw.message(text, { length: 3_000 })],
  [raw.message(text, { length: 3_001 })],
].map((messages) => Buffer.concat(messages));

/** The data of one call, cut into frames of the size that its first byte says. */
export const target: FuzzTarget = {
  seeds: seeds.flatMap((each) => [0, 1, 5, 200].map((size) => Buffer.concat([Buffer.from([size]), each]))),
  async run(input) {
    const [frameBytes = 0] = input;
    const data = Buffer.from(input.subarray(1));
    const received: Uint8Array[] = [];
    const take = serveStream(method, async (stream) => {
      for await (const message of stream) received.push(message);
    });
    const { socket, end } = servedInMemory([take], { maxMessageBytes, heldBytes: 1_000_000 });
    socket.give(clientBegin);
    socket.give(raw.headers(1, raw.callHeaders(method.path, { 'grpc-encoding': 'gzip' })));
    for (let at = 0; at < data.length; at += frameBytes || data.length) {
      socket.give(raw.data(1, data.subarray(at, at + (frameBytes || data.length))));
    }
    socket.give(raw.data(1, Buffer.alloc(0), { end: true }));
    await nextTurn();
    await end();
    const frames = answeredFrames(socket.written, { windowBytes: 0, frameBytes: 16_384 });
    const { messages, problem } = read(data);
    for (const [index, message] of received.entries()) {
      assert.deepEqual(Buffer.from(message), messages[index], `message ${index} is not what was sent`);
    }
    if (problem === undefined) assert.equal(received.length, messages.length, 'not all messages came');
    assert.equal(statusOf(frames), problem ?? 'OK');
    return `${problem ?? 'OK'}, ${messages.length} messages`;
  },
};

/** In the last of the server's header blocks. */
function statusOf(frames: readonly raw.Frame[]): StatusCode | undefined {
  const decoder = new HeaderDecoder({ tableBytes: 4_096, listBytes: 4_096 });
  const blocks = frames.filter(({ type }) => type === raw.types.headers).map(({ payload }) => decoder.decode(payload));
  return statusCodes[Number(blocks.at(-1)?.fields.find(({ name }) => name === 'grpc-status')?.value)];
}

/** The messages in the data, and the status of the problem behind them. */
function read(data: Buffer): { readonly messages: Buffer[]; readonly problem: StatusCode | undefined } {
  const messages: Buffer[] = [];
  for (let at = 0; at < data.length; ) {
    if (data.length - at < 5) return { messages, problem: 'INTERNAL' };
    const [flag, length] = [data.readUInt8(at), data.readUInt32BE(at + 1)];
    if (flag > 1) return { messages, problem: 'INTERNAL' };
    if (length > maxMessageBytes) return { messages, problem: 'RESOURCE_EXHAUSTED' };
    const message = data.subarray(at + 5, at + 5 + length);
    if (message.length < length) return { messages, problem: 'INTERNAL' };
    if (flag === 0) messages.push(message);
    else {
      try {
        messages.push(gunzipSync(message, { maxOutputLength: maxMessageBytes }));
      } catch (error) {
        const isLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
        return { messages, problem: isLarge ? 'RESOURCE_EXHAUSTED' : 'INTERNAL' };
      }
    }
    at += 5 + length;
  }
  return { messages, problem: undefined };
}
