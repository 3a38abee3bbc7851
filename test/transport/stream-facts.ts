import { expect, it } from 'vitest';
import { aborted } from '../../src/base/async/aborted.ts';
import { serveStream } from '../../src/transport/rpc.ts';
import { RpcError } from '../../src/transport/status.ts';
import {
  chat,
  collect,
  count,
  dial,
  echoAll,
  failureOf,
  first,
  kib,
  listen,
  passingDeadlineMs,
  type RunOnNetwork,
  waitingHandler,
} from './test-service.ts';

export function streamFacts(run: RunOnNetwork): void {
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
      const stream = connection.stream(chat, { timeoutMs: passingDeadlineMs });
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
