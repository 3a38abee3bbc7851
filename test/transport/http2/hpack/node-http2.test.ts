import { once } from 'node:events';
import { connect, createServer, type ServerHttp2Stream, sensitiveHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { HeaderDecoder } from '../../../../src/transport/http2/hpack/header-decoder.ts';
import { HeaderEncoder, type SentField } from '../../../../src/transport/http2/hpack/header-encoder.ts';
import { ownLoopback } from '../../../sidecar/own-loopback.ts';
import { flags, headers, settings, settingsAck, types } from '../raw-frames.ts';
import { listenRaw, RawPeer } from '../raw-peer.ts';
import { lines } from './lines.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Every byte that HTTP lets a value have. */
const valueBytes = String.fromCharCode(
  ...Array.from({ length: 256 }, (_, code) => code).filter((code) => code >= 0x20 && code !== 0x7f),
);

const name = fc.oneof(
  fc.constantFrom('x-a', 'x-b', 'grpc-timeout', 'traceparent', 'x-a-rather-long-name-of-a-field'),
  fc.stringMatching(/^x-[a-z0-9-]{1,20}$/),
);
const value = fc.oneof(
  fc.constantFrom('', '0', 'a value', 'application/grpc', 'x'.repeat(300)),
  fc.stringMatching(/^[\x21-\x7e]{1,80}$/),
  fc.stringMatching(/^[\x80-\xff]{1,20}$/),
);
const fieldSets = fc.array(fc.uniqueArray(fc.tuple(name, value), { maxLength: 8, selector: ([each]) => each }), {
  minLength: 1,
  maxLength: 12,
});
const indexing = fc.constantFrom<SentField['indexing']>('table', 'table', 'literal', 'never');

const request = { ':method': 'POST', ':scheme': 'http', ':path': '/service/Method', ':authority': 'localhost' };

test.each([4_096, 65_536, 300, 0])(
  "Node's server reads our blocks with a table of %i bytes",
  async (headerTableSize) => {
    const server = createServer({ settings: { headerTableSize } }).listen(0, ownLoopback);
    cleanUps.push(() => server.close());
    await once(server, 'listening');
    const peer = await RawPeer.connect(`${ownLoopback}:${(server.address() as AddressInfo).port}`);
    cleanUps.push(() => peer.close());
    await peer.next(({ type }) => type === types.settings);
    peer.send(settingsAck);
    const encoder = new HeaderEncoder();
    encoder.limitTable(headerTableSize);
    let streamId = -1;
    const exchange = async (fields: readonly SentField[]): Promise<string[]> => {
      streamId += 2;
      const stream = once(server, 'stream');
      peer.send(headers(streamId, Buffer.from(encoder.encode(fields)), { end: true }));
      const [received, , , raw] = (await stream) as [ServerHttp2Stream, unknown, unknown, string[]];
      received.close();
      return pairs(raw);
    };
    const everyByte = { name: 'x-every-byte', value: `!${valueBytes}!`, indexing: 'table' } as const;
    const start = Object.entries(request).map(
      ([key, text]) => ({ name: key, value: text, indexing: 'table' }) as const,
    );
    for (const fields of [[...start, everyByte], start]) expect(await exchange(fields)).toEqual(asLines(fields));
    await fc.assert(
      fc.asyncProperty(fieldSets, fc.infiniteStream(indexing), async (sets, indexings) => {
        for (const set of sets) {
          const fields = set.map(([key, text]) => ({ name: key, value: text, indexing: indexings.next().value }));
          expect(await exchange([...start, ...fields])).toEqual(asLines([...start, ...fields]));
        }
      }),
      { numRuns: 50 },
    );
  },
);

test.each([4_096, 300, 0])(
  "our decoder reads blocks of Node's client with a table of %i bytes",
  async (headerTableSize) => {
    const server = await listenRaw();
    cleanUps.push(() => server.close());
    const client = connect(`http://${server.address}`);
    cleanUps.push(() => client.destroy());
    const peer = await server.next();
    peer.send(settings({ headerTableSize }), settingsAck);
    await once(client, 'remoteSettings');
    const decoder = new HeaderDecoder({ tableBytes: 4_096, listBytes: 65_536 });
    const exchange = async (fields: Record<string, string>, secrets: string[] = []): Promise<string[]> => {
      const stream = client.request({ ...request, ...fields, [sensitiveHeaders]: secrets }, { endStream: true });
      stream.on('error', () => {});
      const { payload, flags: set, streamId } = await peer.next(({ type }) => type === types.headers);
      expect(set & flags.endHeaders).toBe(flags.endHeaders);
      const { fields: received } = decoder.decode(payload);
      expect(received.filter(({ problem }) => problem !== undefined)).toEqual([]);
      peer.send(headers(streamId, Buffer.from([0x88]), { end: true }));
      return lines(received);
    };
    const everyByte = { 'x-every-byte': `!${valueBytes}!` };
    expect(await exchange(everyByte)).toEqual(asLines({ ...request, ...everyByte }));
    await fc.assert(
      fc.asyncProperty(fieldSets, fc.func(fc.boolean()), async (sets, isSecret) => {
        for (const set of sets) {
          const fields = Object.fromEntries(set);
          const received = await exchange(
            fields,
            Object.keys(fields).filter((key) => isSecret(key)),
          );
          expect(received).toEqual(asLines({ ...request, ...fields }));
        }
      }),
      { numRuns: 50 },
    );
  },
);

function pairs(raw: readonly string[]): string[] {
  return raw.flatMap((each, index) => (index % 2 === 0 ? [`${each}: ${raw[index + 1]}`] : []));
}

function asLines(fields: readonly SentField[] | Record<string, string>): string[] {
  const entries = Array.isArray(fields) ? fields.map((each) => [each.name, each.value]) : Object.entries(fields);
  return entries.map(([key, text]) => `${key}: ${text}`);
}
