import { expect, it } from 'vitest';
import { aborted } from '../../src/base/async/aborted.ts';
import { type RpcStream, serveStream, serveUnary } from '../../src/transport/rpc.ts';
import {
  chat,
  collect,
  dial,
  echo,
  failureOf,
  kib,
  listen,
  mib,
  type RunOnNetwork,
  serveEcho,
} from './test-service.ts';

export function limitFacts(run: RunOnNetwork): void {
  it("shows the caller's queue while the handler does not read, and drains it when it does", () =>
    run(async (network) => {
      const reading = Promise.withResolvers<void>();
      const route = serveStream(chat, async (stream) => {
        await reading.promise;
        for await (const _ of stream);
      });
      const connection = await dial(network, await listen(network, [route, serveEcho]));
      const stream = connection.stream(chat);
      for (let index = 0; index < 64; index += 1) stream.write('x'.repeat(64 * kib));
      for (let index = 0; index < 5; index += 1) await connection.unary(echo, 'time passes');
      expect(stream.queuedBytes).toBeGreaterThan(2 * mib);
      reading.resolve();
      await stream.drained(mib);
      expect(stream.queuedBytes).toBeLessThanOrEqual(mib);
      await stream.drained();
      expect(stream.queuedBytes).toBe(0);
      stream.end();
      expect(await collect(stream)).toEqual([]);
    }));

  it("shows the handler's queue while the caller does not read", () =>
    run(async (network) => {
      const filled = Promise.withResolvers<RpcStream<unknown, unknown>>();
      const route = serveStream(chat, async (stream) => {
        for (let index = 0; index < 64; index += 1) stream.write('x'.repeat(64 * kib));
        filled.resolve(stream);
        await stream.drained();
        stream.write('drained');
      });
      const connection = await dial(network, await listen(network, [route, serveEcho]));
      const stream = connection.stream(chat);
      const writer = await filled.promise;
      for (let index = 0; index < 5; index += 1) await connection.unary(echo, 'time passes');
      expect(writer.queuedBytes).toBeGreaterThan(2 * mib);
      const received = await collect(stream);
      expect(received).toHaveLength(65);
      expect(received.at(-1)).toBe('drained');
    }));

  const large = 'x'.repeat(200 * kib);
  const receives = serveStream(chat, async (stream) => {
    for await (const _ of stream);
  });
  const sends = serveStream(chat, async (stream) => {
    stream.write(large);
    await aborted(stream.over);
  });
  const answers = serveUnary(echo, async (request) => (request === 'send' ? large : request));

  it.each([
    ["a request over the caller's own limit", 'client', 'request'],
    ["a request over the server's limit", 'server', 'request'],
    ["a response over the server's own limit", 'server', 'response'],
    ["a response over the caller's limit", 'client', 'response'],
  ])('fails a call with %s, and the connection lives on', (_, limited, direction) =>
    run(async (network) => {
      const listener = await listen(network, [answers], limited === 'server' ? 64 * kib : mib);
      const connection = await dial(network, listener, { maxMessageBytes: limited === 'client' ? 64 * kib : mib });
      const failure = await failureOf(connection.unary(echo, direction === 'request' ? large : 'send'));
      expect(failure.code).toBe('RESOURCE_EXHAUSTED');
      expect(await connection.unary(echo, 'alive')).toBe('alive');
      expect(connection.draining.aborted).toBe(false);
    }),
  );

  it.each([
    ["a message over the caller's own limit", 'client', receives],
    ["a message over the server's limit", 'server', receives],
    ["a message over the server's own limit", 'server', sends],
    ["a message from the server over the caller's limit", 'client', sends],
  ])('fails a stream with %s, and the connection lives on', (_, limited, route) =>
    run(async (network) => {
      const listener = await listen(network, [route, serveEcho], limited === 'server' ? 64 * kib : mib);
      const connection = await dial(network, listener, { maxMessageBytes: limited === 'client' ? 64 * kib : mib });
      const stream = connection.stream(chat);
      if (route === receives) stream.write(large);
      expect((await failureOf(collect(stream))).code).toBe('RESOURCE_EXHAUSTED');
      expect(await connection.unary(echo, 'alive')).toBe('alive');
    }),
  );
}
