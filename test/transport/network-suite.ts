import { describe, expect, it } from 'vitest';
import {
  type CallContext,
  type Codec,
  type Connection,
  type ConnectOptions,
  type Listener,
  type MethodKind,
  type Network,
  type Route,
  type RpcStream,
  serveStream,
  serveUnary,
} from '../../src/transport/rpc.ts';
import { RpcError } from '../../src/transport/status.ts';

/** Runs a story on a fresh network, to its end, on whatever clock the network needs. */
export type RunOnNetwork = (story: (network: Network) => Promise<void>) => Promise<void>;

const kib = 1_024;
const mib = 1_024 * kib;

export const json: Codec<unknown> = {
  encode: (value) => new TextEncoder().encode(JSON.stringify(value)),
  decode: (bytes) => JSON.parse(new TextDecoder().decode(bytes)),
};

export function method<Kind extends MethodKind>(name: string, kind: Kind) {
  return { path: `/test.Service/${name}`, kind, request: json, response: json } as const;
}

export const echo = method('Echo', 'unary');
export const count = method('Count', 'server_streaming');
export const chat = method('Chat', 'bidi_streaming');

export const serveEcho = serveUnary(echo, async (request) => request);

export async function listen(network: Network, routes: readonly Route[], maxMessageBytes = mib): Promise<Listener> {
  return network.listen('127.0.0.1:0', { routes, maxMessageBytes });
}

export async function dial(network: Network, to: Listener, options: Partial<ConnectOptions> = {}): Promise<Connection> {
  return network.connect(to.address, { timeoutMs: 5_000, maxMessageBytes: mib, ...options });
}

export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

export async function failureOf(outcome: Promise<unknown>): Promise<RpcError> {
  const caught = await outcome.then(
    (value) => new Error(`expected a failure, got ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (caught instanceof RpcError) return caught;
  throw caught;
}

export async function collect(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const messages: unknown[] = [];
  for await (const message of stream) messages.push(message);
  return messages;
}

async function first(stream: AsyncIterable<unknown>): Promise<unknown> {
  for await (const message of stream) return message;
  throw new Error('expected a message');
}

const echoAll = async (stream: RpcStream<unknown, unknown>): Promise<void> => {
  for await (const message of stream) stream.write({ echo: message });
};

/** A handler that waits until its call is lost, and tells when it began and what it then saw. */
function waitingHandler() {
  const began = Promise.withResolvers<CallContext>();
  const lost = Promise.withResolvers<void>();
  const handler = async (_: unknown, call: CallContext): Promise<never> => {
    began.resolve(call);
    await aborted(call.signal);
    lost.resolve();
    throw new RpcError('ABORTED', 'nobody waits for this');
  };
  return { began: began.promise, lost: lost.promise, handler };
}

/** What every implementation of `Network` promises. */
export function describeNetwork(name: string, run: RunOnNetwork): void {
  describe(`${name}: unary calls`, () => unaryFacts(run));
  describe(`${name}: streams`, () => streamFacts(run));
  describe(`${name}: limits`, () => limitFacts(run));
  describe(`${name}: connections and listeners`, () => lifecycleFacts(run));
}

function unaryFacts(run: RunOnNetwork): void {
  it('answers a call', () =>
    run(async (network) => {
      const listener = await listen(network, [serveEcho]);
      const connection = await dial(network, listener);
      expect(await connection.unary(echo, { text: 'grüß' })).toEqual({ text: 'grüß' });
      connection.close();
      listener.close();
    }));

  it('answers 200 calls made at once, each with its own answer', () =>
    run(async (network) => {
      const listener = await listen(network, [serveEcho]);
      const connection = await dial(network, listener);
      const numbers = Array.from({ length: 200 }, (_, index) => index);
      expect(await Promise.all(numbers.map((number) => connection.unary(echo, number)))).toEqual(numbers);
      listener.close();
    }));

  it('fails a call with the status, message and trailers that the handler threw', () =>
    run(async (network) => {
      const route = serveUnary(echo, async (_, call) => {
        call.setTrailer('retry-after', '7');
        throw new RpcError('FAILED_PRECONDITION', 'the pump is off – prime it', { trailers: { 'pump-id': 'p1' } });
      });
      const connection = await dial(network, await listen(network, [route]));
      const failure = await failureOf(connection.unary(echo, null));
      expect(failure.code).toBe('FAILED_PRECONDITION');
      expect(failure.message).toBe('the pump is off – prime it');
      expect(failure.trailers).toEqual({ 'retry-after': '7', 'pump-id': 'p1' });
    }));

  it('fails a call with UNKNOWN and the message, without the stack, when the handler threw a plain error', () =>
    run(async (network) => {
      const route = serveUnary(echo, () => {
        throw new Error('index out of range');
      });
      const connection = await dial(network, await listen(network, [route]));
      const failure = await failureOf(connection.unary(echo, null));
      expect([failure.code, failure.message, failure.trailers]).toEqual(['UNKNOWN', 'index out of range', {}]);
    }));

  it.each([
    ['trailers that cannot be sent', new RpcError('ABORTED', 'no', { trailers: { 'Bad Key': '1' } }), 'INTERNAL'],
    ['a message that is not well-formed', new RpcError('ABORTED', 'half a pair: \ud800'), 'ABORTED'],
  ])('fails only the call when a handler throws %s', (_, thrown, code) =>
    run(async (network) => {
      const fail = async (): Promise<never> => {
        throw thrown;
      };
      const connection = await dial(network, await listen(network, [serveUnary(echo, fail), serveStream(chat, fail)]));
      expect((await failureOf(connection.unary(echo, null))).code).toBe(code);
      expect((await failureOf(collect(connection.stream(chat)))).code).toBe(code);
    }),
  );

  it('shortens a status message that is too long to send', () =>
    run(async (network) => {
      const route = serveUnary(echo, () => {
        throw new Error('x'.repeat(100 * kib));
      });
      const connection = await dial(network, await listen(network, [route]));
      expect((await failureOf(connection.unary(echo, null))).message).toMatch(/^x{2048}$/);
    }));

  it('fails a call to an unknown method with UNIMPLEMENTED', () =>
    run(async (network) => {
      const connection = await dial(network, await listen(network, []));
      expect((await failureOf(connection.unary(echo, null))).code).toBe('UNIMPLEMENTED');
      expect((await failureOf(collect(connection.stream(chat)))).code).toBe('UNIMPLEMENTED');
    }));

  it('fails a call with INTERNAL when a message cannot be decoded', () =>
    run(async (network) => {
      const noise = { ...echo, request: { encode: () => new Uint8Array([0xff]), decode: (): unknown => null } };
      const connection = await dial(network, await listen(network, [serveEcho]));
      const failure = await failureOf(connection.unary(noise, null));
      expect([failure.code, failure.message]).toEqual([
        'INTERNAL',
        'a message of /test.Service/Echo with 1 bytes could not be decoded',
      ]);
    }));

  it("gives the handler the connection's and the call's metadata, and the peer's address", () =>
    run(async (network) => {
      const seen = Promise.withResolvers<CallContext>();
      const route = serveUnary(echo, async (_, call) => seen.resolve(call));
      const connection = await dial(network, await listen(network, [route]), {
        metadata: { authorization: 'Bearer t0', instance: 'a' },
      });
      await connection.unary(echo, null, { metadata: { instance: 'b' } }).catch(() => {});
      const call = await seen.promise;
      expect(call.metadata).toEqual({ authorization: 'Bearer t0', instance: 'b' });
      expect(call.peer.address).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(call.peer.principal).toBeUndefined();
      expect(call.timeoutMs).toBeUndefined();
    }));

  it.each([
    ['a key with a capital', { 'Some-Key': 'x' }],
    ["a key of gRPC's own", { 'grpc-timeout': '1S' }],
    ['a value with a line break', { key: 'a\nb' }],
    ['a value that is not ASCII', { key: 'ü' }],
  ])('refuses %s in metadata', (_, metadata) =>
    run(async (network) => {
      const connection = await dial(network, await listen(network, [serveEcho]));
      expect((await failureOf(connection.unary(echo, null, { metadata }))).code).toBe('INTERNAL');
      expect(() => connection.stream(chat, { metadata })).toThrow(RpcError);
    }),
  );

  it('ends a call at its deadline on both sides', () =>
    run(async (network) => {
      const { began, lost, handler } = waitingHandler();
      const connection = await dial(network, await listen(network, [serveUnary(echo, handler)]));
      const outcome = failureOf(connection.unary(echo, null, { timeoutMs: 100 }));
      const { timeoutMs } = await began;
      expect(timeoutMs).toBeGreaterThan(0);
      expect(timeoutMs).toBeLessThanOrEqual(100);
      expect((await outcome).code).toBe('DEADLINE_EXCEEDED');
      await lost;
    }));

  it("aborts the handler's signal when the caller cancels", () =>
    run(async (network) => {
      const { began, lost, handler } = waitingHandler();
      const connection = await dial(network, await listen(network, [serveUnary(echo, handler)]));
      const caller = new AbortController();
      const outcome = failureOf(connection.unary(echo, null, { signal: caller.signal }));
      await began;
      caller.abort();
      expect((await outcome).code).toBe('CANCELLED');
      await lost;
    }));

  it('makes no call when the caller had cancelled before', () =>
    run(async (network) => {
      const connection = await dial(network, await listen(network, [serveEcho]));
      const signal = AbortSignal.abort();
      expect((await failureOf(connection.unary(echo, null, { signal }))).code).toBe('CANCELLED');
      expect((await failureOf(collect(connection.stream(chat, { signal })))).code).toBe('CANCELLED');
    }));
}

function streamFacts(run: RunOnNetwork): void {
  it('streams from the server, with trailers at the end', () =>
    run(async (network) => {
      const route = serveStream(count, async (stream, call) => {
        const limit = Number(await first(stream));
        call.setTrailer('counted', String(limit));
        for (let number = 0; number < limit; number += 1) stream.write(number);
      });
      const connection = await dial(network, await listen(network, [route]));
      const stream = connection.stream(count);
      stream.write(3);
      stream.end();
      expect(await collect(stream)).toEqual([0, 1, 2]);
      expect(stream.over.aborted).toBe(true);
      expect(stream.trailers).toEqual({ counted: '3' });
    }));

  it('carries messages both ways while both sides are open', () =>
    run(async (network) => {
      const connection = await dial(network, await listen(network, [serveStream(chat, echoAll)]));
      const stream = connection.stream(chat);
      const answers = stream[Symbol.asyncIterator]();
      for (const text of ['one', 'two', 'three']) {
        stream.write(text);
        expect(await answers.next()).toEqual({ done: false, value: { echo: text } });
      }
      stream.end();
      expect(await answers.next()).toEqual({ done: true, value: undefined });
    }));

  it('lets the server go on sending after the client half-closed', () =>
    run(async (network) => {
      const route = serveStream(chat, async (stream) => {
        const received = await collect(stream);
        stream.write({ received });
        stream.write('bye');
      });
      const connection = await dial(network, await listen(network, [route]));
      const stream = connection.stream(chat);
      stream.write('a');
      stream.write('b');
      stream.end();
      stream.write('dropped, for it comes after the end');
      expect(await collect(stream)).toEqual([{ received: ['a', 'b'] }, 'bye']);
    }));

  it("ends the call for a client that still sends when the server's handler is done", () =>
    run(async (network) => {
      const route = serveStream(chat, async (stream) => {
        stream.write(await first(stream));
      });
      const connection = await dial(network, await listen(network, [route]));
      const stream = connection.stream(chat);
      stream.write('a');
      expect(await collect(stream)).toEqual(['a']);
      await aborted(stream.over);
      expect(stream.write('dropped')).toBe(0);
      await stream.drained();
    }));

  it('keeps the order of 1,000 messages', () =>
    run(async (network) => {
      const connection = await dial(network, await listen(network, [serveStream(chat, echoAll)]));
      const stream = connection.stream(chat);
      const numbers = Array.from({ length: 1_000 }, (_, index) => index);
      for (const number of numbers) stream.write(number);
      stream.end();
      expect(await collect(stream)).toEqual(numbers.map((number) => ({ echo: number })));
    }));

  it('fails the iteration with the status and trailers of the handler', () =>
    run(async (network) => {
      const route = serveStream(chat, async () => {
        throw new RpcError('NOT_FOUND', 'no such topic', { trailers: { topic: 'a.b' } });
      });
      const connection = await dial(network, await listen(network, [route]));
      const stream = connection.stream(chat);
      const failure = await failureOf(collect(stream));
      expect([failure.code, failure.message, failure.trailers]).toEqual([
        'NOT_FOUND',
        'no such topic',
        { topic: 'a.b' },
      ]);
      expect(stream.trailers).toEqual({ topic: 'a.b' });
    }));

  it('tells a caller who does not read that its call has failed', () =>
    run(async (network) => {
      const route = serveStream(chat, async (stream) => {
        await first(stream);
        throw new RpcError('ABORTED', 'enough');
      });
      const connection = await dial(network, await listen(network, [route]));
      const stream = connection.stream(chat);
      stream.write('a');
      await aborted(stream.over);
      await stream.drained();
      expect((await failureOf(collect(stream))).code).toBe('ABORTED');
    }));

  it("aborts the handler's signal, ends its stream and fails its reading when the caller cancels", () =>
    run(async (network) => {
      const seen = Promise.withResolvers<unknown>();
      const route = serveStream(chat, async (stream, call) => {
        stream.write('ready');
        const reading = await failureOf(collect(stream));
        await aborted(call.signal);
        await aborted(stream.over);
        await stream.drained();
        seen.resolve(reading.code);
      });
      const connection = await dial(network, await listen(network, [route]));
      const stream = connection.stream(chat);
      const answers = stream[Symbol.asyncIterator]();
      await answers.next();
      stream.cancel();
      expect((await failureOf(answers.next())).code).toBe('CANCELLED');
      expect(stream.over.aborted).toBe(true);
      expect(await seen.promise).toBe('CANCELLED');
    }));

  it('ends a stream at its deadline on both sides', () =>
    run(async (network) => {
      const { lost, handler } = waitingHandler();
      const connection = await dial(network, await listen(network, [serveStream(chat, handler)]));
      const stream = connection.stream(chat, { timeoutMs: 100 });
      expect((await failureOf(collect(stream))).code).toBe('DEADLINE_EXCEEDED');
      await lost;
    }));

  it('goes on, discarding what comes, for a reader who leaves the iteration early', () =>
    run(async (network) => {
      const route = serveStream(chat, async (stream) => {
        for (let number = 0; number < 100; number += 1) stream.write('x'.repeat(64 * kib));
        await stream.drained();
      });
      const connection = await dial(network, await listen(network, [route]));
      const stream = connection.stream(chat);
      await first(stream);
      await aborted(stream.over);
      expect(stream.over.reason).not.toBeInstanceOf(RpcError);
    }));

  it('is read only once', () =>
    run(async (network) => {
      const connection = await dial(network, await listen(network, [serveStream(chat, echoAll)]));
      const stream = connection.stream(chat);
      stream.end();
      await collect(stream);
      await expect(collect(stream)).rejects.toThrow('only once');
    }));
}

function limitFacts(run: RunOnNetwork): void {
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

function lifecycleFacts(run: RunOnNetwork): void {
  it('refuses to connect where nothing listens with UNAVAILABLE, naming the address', () =>
    run(async (network) => {
      const listener = await listen(network, []);
      listener.close();
      const failure = await failureOf(dial(network, listener));
      expect(failure.code).toBe('UNAVAILABLE');
      expect(failure.message).toContain(`${listener.address} cannot be reached: `);
    }));

  it('refuses to listen at a taken address with ALREADY_EXISTS, and the first listener lives on', () =>
    run(async (network) => {
      const listener = await listen(network, [serveEcho]);
      const again = network.listen(listener.address, { routes: [], maxMessageBytes: mib });
      const failure = await failureOf(again);
      expect(failure.code).toBe('ALREADY_EXISTS');
      expect(failure.message).toContain(`${listener.address} is taken`);
      expect(await (await dial(network, listener)).unary(echo, 1)).toBe(1);
    }));

  it('listens again at an address that was closed', () =>
    run(async (network) => {
      const listener = await listen(network, [serveEcho]);
      await dial(network, listener);
      listener.close();
      await listener.drain();
      const successor = await network.listen(listener.address, { routes: [serveEcho], maxMessageBytes: mib });
      expect(successor.address).toBe(listener.address);
      expect(await (await dial(network, successor)).unary(echo, 2)).toBe(2);
    }));

  it('lets calls under way finish while it drains, and takes no new ones', () =>
    run(async (network) => {
      const began = Promise.withResolvers<void>();
      const finish = Promise.withResolvers<void>();
      const route = serveUnary(echo, async (request) => {
        began.resolve();
        await finish.promise;
        return request;
      });
      const listener = await listen(network, [route, serveStream(chat, echoAll)]);
      const connection = await dial(network, listener);
      const answer = connection.unary(echo, 'slow');
      const stream = connection.stream(chat);
      await began.promise;
      const drained = listener.drain();
      await aborted(connection.draining);
      expect(connection.closed.aborted).toBe(false);
      expect((await failureOf(connection.unary(echo, 'late'))).code).toBe('UNAVAILABLE');
      expect((await failureOf(collect(connection.stream(chat)))).code).toBe('UNAVAILABLE');
      expect((await failureOf(dial(network, listener))).code).toBe('UNAVAILABLE');
      finish.resolve();
      expect(await answer).toBe('slow');
      stream.write('still here');
      stream.end();
      expect(await collect(stream)).toEqual([{ echo: 'still here' }]);
      await drained;
      await aborted(connection.closed);
    }));

  it('fails open calls with UNAVAILABLE when the listener closes, and then the connection is closed', () =>
    run(async (network) => {
      const { began, lost, handler } = waitingHandler();
      const listener = await listen(network, [serveUnary(echo, handler), serveStream(chat, echoAll)]);
      const connection = await dial(network, listener);
      const answer = failureOf(connection.unary(echo, null));
      const stream = connection.stream(chat);
      const messages = failureOf(collect(stream));
      await began;
      listener.close();
      await lost;
      await aborted(connection.closed);
      expect(connection.draining.aborted).toBe(true);
      expect(stream.over.aborted).toBe(true);
      expect((await answer).code).toBe('UNAVAILABLE');
      expect((await messages).code).toBe('UNAVAILABLE');
      expect((await failureOf(connection.unary(echo, null))).code).toBe('UNAVAILABLE');
    }));

  it('closes an idle connection when the listener closes', () =>
    run(async (network) => {
      const listener = await listen(network, [serveEcho]);
      const connection = await dial(network, listener);
      await connection.unary(echo, null);
      listener.close();
      await aborted(connection.closed);
    }));

  it('stays closed when a listener comes back at the same address', () =>
    run(async (network) => {
      const listener = await listen(network, [serveEcho]);
      const connection = await dial(network, listener);
      listener.close();
      await aborted(connection.closed);
      await listener.drain();
      await network.listen(listener.address, { routes: [serveEcho], maxMessageBytes: mib });
      expect((await failureOf(connection.unary(echo, null))).code).toBe('UNAVAILABLE');
    }));

  it('fails open calls with UNAVAILABLE when the client closes, and the handler learns it', () =>
    run(async (network) => {
      const { began, lost, handler } = waitingHandler();
      const listener = await listen(network, [serveUnary(echo, handler), serveStream(chat, echoAll)]);
      const connection = await dial(network, listener);
      const answer = failureOf(connection.unary(echo, null));
      const messages = failureOf(collect(connection.stream(chat)));
      await began;
      connection.close();
      expect(connection.closed.aborted).toBe(true);
      expect((await answer).code).toBe('UNAVAILABLE');
      expect((await messages).code).toBe('UNAVAILABLE');
      await lost;
      await listener.drain();
    }));

  it('serves several connections, and one that closes leaves the others alone', () =>
    run(async (network) => {
      const listener = await listen(network, [serveEcho]);
      const [one, other] = await Promise.all([dial(network, listener), dial(network, listener)]);
      one.close();
      expect(await other.unary(echo, 'mine')).toBe('mine');
    }));
}
