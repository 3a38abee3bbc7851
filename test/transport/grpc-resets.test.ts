import { expect, test } from 'vitest';
import { aborted } from '../../src/base/async/aborted.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import { serveStream } from '../../src/transport/rpc.ts';
import { chat, dial, echo, failureOf, listen, serveEcho } from './test-service.ts';

/** Three times what Node's HTTP/2 takes at once from one client by itself. */
const cancelled = 3_000;

test('a client that cancels thousands of calls as fast as it can keeps its connection', async () => {
  const waits = serveStream(chat, async (_, call) => aborted(call.signal));
  const listener = await listen(grpcNetwork, [waits, serveEcho]);
  const connection = await dial(grpcNetwork, listener);
  try {
    for (let from = 0; from < cancelled; from += 100) {
      const streams = Array.from({ length: 100 }, () => connection.stream(chat));
      for (const stream of streams) stream.write('begin');
      await connection.unary(echo, 'the calls have begun');
      for (const stream of streams) stream.cancel();
      for (const stream of streams)
        expect((await failureOf(stream[Symbol.asyncIterator]().next())).code).toBe('CANCELLED');
    }
    expect(await connection.unary(echo, 'alive')).toBe('alive');
    expect([connection.draining.aborted, connection.closed.aborted]).toEqual([false, false]);
  } finally {
    connection.close();
    listener.close();
  }
});
