import { expect, it } from 'vitest';
import { type CallContext, serveStream, serveUnary } from '../../src/transport/rpc.ts';
import { RpcError } from '../../src/transport/status.ts';
import {
  chat,
  collect,
  dial,
  echo,
  failureOf,
  kib,
  listen,
  passingDeadlineMs,
  type RunOnNetwork,
  serveEcho,
  waitingHandler,
} from './test-service.ts';

export function unaryFacts(run: RunOnNetwork): void {
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

  it.each([
    ['x', 2048],
    ['é', 341],
    ['😀', 170],
  ])('shortens a status message of too many %s to what can be sent percent-encoded', (character, count) =>
    run(async (network) => {
      const route = serveUnary(echo, () => {
        throw new Error(character.repeat(100 * kib));
      });
      const connection = await dial(network, await listen(network, [route]));
      expect((await failureOf(connection.unary(echo, null))).message).toBe(character.repeat(count));
    }),
  );

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
      const outcome = failureOf(connection.unary(echo, null, { timeoutMs: passingDeadlineMs }));
      const { timeoutMs } = await began;
      expect(timeoutMs).toBeGreaterThan(0);
      expect(timeoutMs).toBeLessThanOrEqual(passingDeadlineMs);
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
