import { describe, expect, it } from 'vitest';
import { aborted } from '../../src/base/async/aborted.ts';
import { InProcessNetwork } from '../../src/simulation/network/network.ts';
import { VirtualScheduler } from '../../src/simulation/virtual-scheduler.ts';
import { serveStream, serveUnary } from '../../src/transport/rpc.ts';
import { ownLoopback } from '../sidecar/own-loopback.ts';
import { describeNetwork } from './network-suite.ts';
import { chat, collect, dial, echo, failureOf, listen, serveEcho } from './test-service.ts';

const latency = { minMs: 0.1, maxMs: 5 };
const maxMessageBytes = 1_024;

describeNetwork('memory', (story) => {
  const scheduler = new VirtualScheduler(1);
  return scheduler.run(story(new InProcessNetwork(scheduler, { latency })));
});

describeNetwork('memory without latency', (story) => {
  const scheduler = new VirtualScheduler(1);
  return scheduler.run(story(new InProcessNetwork(scheduler)));
});

/** Runs a story on virtual time and returns what it noted, each entry with its time. */
async function trace(
  seed: number,
  story: (network: InProcessNetwork, note: (entry: string) => void, scheduler: VirtualScheduler) => Promise<void>,
): Promise<string[]> {
  const scheduler = new VirtualScheduler(seed);
  const entries: string[] = [];
  const note = (entry: string): number => entries.push(`${scheduler.nowMs().toFixed(3)} ${entry}`);
  await scheduler.run(story(new InProcessNetwork(scheduler, { latency }), note, scheduler));
  return entries;
}

describe('memory: determinism', () => {
  const conversation = (seed: number): Promise<string[]> =>
    trace(seed, async (network, note) => {
      const route = serveStream(chat, async (stream) => {
        for await (const message of stream) {
          note(`server ${String(message)}`);
          stream.write(message);
        }
      });
      const listener = await listen(network, [route]);
      const talk = async (name: string): Promise<void> => {
        const stream = (await dial(network, listener)).stream(chat);
        for (let index = 0; index < 10; index += 1) stream.write(`${name}${index}`);
        for await (const message of stream) {
          note(`client ${String(message)}`);
          if (message === `${name}9`) stream.end();
        }
      };
      const talks = [talk('a'), talk('b'), talk('c')];
      await Promise.all(talks.slice(0, 2));
      network.cutAll();
      await talks[2]?.catch((error: Error) => note(error.message));
    });

  it('gives the same trace for the same seed', async () => {
    const entries = await conversation(7);
    expect(entries.length).toBeGreaterThan(40);
    expect(await conversation(7)).toEqual(entries);
  });

  it('gives another trace for another seed', async () => {
    expect(await conversation(8)).not.toEqual(await conversation(7));
  });
});

describe('memory: faults', () => {
  it('loses what is under way when a connection is cut, and both ends learn it', async () => {
    const scheduler = new VirtualScheduler(1);
    const network = new InProcessNetwork(scheduler, { latency: { minMs: 10, maxMs: 10 } });
    await scheduler.run(
      (async () => {
        const received: unknown[] = [];
        const served = Promise.withResolvers<{ code: string; lost: boolean }>();
        const route = serveStream(chat, async (stream, call) => {
          const reading = async (): Promise<void> => {
            for await (const message of stream) received.push(message);
          };
          const { code } = await failureOf(reading());
          served.resolve({ code, lost: call.signal.aborted });
        });
        const listener = await listen(network, [route, serveEcho]);
        const connection = await dial(network, listener);
        const stream = connection.stream(chat);
        stream.write('arrives');
        await connection.unary(echo, 'a round trip');
        stream.write('is lost');
        network.cut(listener.address);
        const failure = await failureOf(collect(stream));
        expect([failure.code, failure.message]).toEqual([
          'UNAVAILABLE',
          `the connection to ${listener.address} was lost`,
        ]);
        expect(await served.promise).toEqual({ code: 'CANCELLED', lost: true });
        await aborted(connection.closed);
        expect(received).toEqual(['arrives']);
        expect(await (await dial(network, listener)).unary(echo, 'again')).toBe('again');
      })(),
    );
  });

  it('cuts only the connections to the address that is named', async () => {
    await trace(1, async (network) => {
      const listeners = [await listen(network, [serveEcho]), await listen(network, [serveEcho])] as const;
      const [cut, other] = [await dial(network, listeners[0]), await dial(network, listeners[1])];
      network.cut(listeners[0].address);
      await aborted(cut.closed);
      expect(await other.unary(echo, 'here')).toBe('here');
    });
  });

  it('times out when connecting to a partitioned address, until the partition is over', async () => {
    const entries = await trace(1, async (network, note) => {
      const listener = await listen(network, [serveEcho]);
      network.partition(listener.address, true);
      note((await failureOf(dial(network, listener, { timeoutMs: 300 }))).message);
      network.partition(listener.address, false);
      expect(await (await dial(network, listener)).unary(echo, 'back')).toBe('back');
    });
    expect(entries).toEqual([`300.000 ${ownLoopback}:40000 did not answer within 300 ms`]);
  });

  it('holds messages up during a short partition, and loses none', async () => {
    await trace(1, async (network, _, scheduler) => {
      const listener = await listen(network, [serveEcho]);
      const connection = await dial(network, listener);
      network.partition(listener.address, true);
      scheduler.setTimer(5_000, () => network.partition(listener.address, false));
      expect(await connection.unary(echo, 'late')).toBe('late');
      expect(scheduler.nowMs()).toBeGreaterThan(5_000);
      expect(connection.closed.aborted).toBe(false);
    });
  });

  it('breaks connections that a partition silences for longer than 20 s, at both ends', async () => {
    await trace(1, async (network, _, scheduler) => {
      const lost = Promise.withResolvers<void>();
      const route = serveUnary(echo, async (request, call) => {
        await aborted(call.signal);
        lost.resolve();
        return request;
      });
      const listener = await listen(network, [route]);
      const connection = await dial(network, listener);
      const outcome = failureOf(connection.unary(echo, null));
      scheduler.setTimer(100, () => network.partition(listener.address, true));
      expect((await outcome).code).toBe('UNAVAILABLE');
      expect(scheduler.nowMs()).toBeGreaterThan(20_000);
      await lost.promise;
    });
  });
});

describe('memory: peers', () => {
  it('shows a caller under the principal whose network it uses', async () => {
    await trace(1, async (network) => {
      const route = serveUnary(echo, async (_, call) => call.peer.principal ?? 'nobody');
      const listener = await listen(network, [route]);
      expect(await (await dial(network.as('plugin-a'), listener)).unary(echo, null)).toBe('plugin-a');
      expect(await (await dial(network, listener)).unary(echo, null)).toBe('nobody');
    });
  });

  it('serves a named host as well as a loopback address', async () => {
    await trace(1, async (network) => {
      await network.listen('bus:8443', { routes: [serveEcho], maxMessageBytes });
      const connection = await network.connect('bus:8443', { timeoutMs: 100, maxMessageBytes });
      expect(await connection.unary(echo, 1)).toBe(1);
    });
  });
});
