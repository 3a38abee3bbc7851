import { expect, it } from 'vitest';
import { aborted } from '../../src/base/async/aborted.ts';
import { serveStream, serveUnary } from '../../src/transport/rpc.ts';
import {
  chat,
  collect,
  dial,
  echo,
  echoAll,
  failureOf,
  listen,
  mib,
  type RunOnNetwork,
  serveEcho,
  waitingHandler,
} from './test-service.ts';

export function lifecycleFacts(run: RunOnNetwork): void {
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
      const answers = stream[Symbol.asyncIterator]();
      stream.write('begun');
      expect((await answers.next()).value).toEqual({ echo: 'begun' });
      await began.promise;
      let isDrained = false;
      const drained = listener.drain().then(() => {
        isDrained = true;
      });
      await aborted(connection.draining);
      expect(connection.closed.aborted).toBe(false);
      expect((await failureOf(connection.unary(echo, 'late'))).code).toBe('UNAVAILABLE');
      expect((await failureOf(collect(connection.stream(chat)))).code).toBe('UNAVAILABLE');
      expect((await failureOf(dial(network, listener))).code).toBe('UNAVAILABLE');
      finish.resolve();
      expect(await answer).toBe('slow');
      stream.write('still here');
      expect(isDrained).toBe(false);
      stream.end();
      expect((await answers.next()).value).toEqual({ echo: 'still here' });
      expect((await answers.next()).done).toBe(true);
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
