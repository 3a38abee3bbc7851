import { afterEach, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log/log.ts';
import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import { create } from '../../src/contract/wire/codec/message.ts';
import {
  LoadStateReplySchema,
  PublishOutcome,
  PublishResultSchema,
  PublishResultsSchema,
} from '../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { PublishReplySchema, RegisterReplySchema } from '../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { limits } from '../../src/contract/wire/limits.ts';
import { pluginMethods, sidecarMethods } from '../../src/contract/wire/methods.ts';
import { Plugin } from '../../src/plugin/plugin.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import { serveStream, serveUnary } from '../../src/transport/rpc.ts';

const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

/** A peer in the sidecar's place that answers no publish before it is told to. */
async function startSilentPeer() {
  const received: string[] = [];
  const mayAnswer = Promise.withResolvers<void>();
  let answered = 0;
  let unansweredPeak = 0;
  const receive = (payload: Uint8Array): void => {
    received.push(Buffer.from(payload.subarray(0, 8)).toString());
    unansweredPeak = Math.max(unansweredPeak, received.length - answered);
  };
  const accepted = { outcome: PublishOutcome.ACCEPTED, messageId: 'm' };
  const listener = await grpcNetwork.listen('127.0.0.1:0', {
    maxMessageBytes: limits.messageBytes,
    routes: [
      serveUnary(sidecarMethods.register, async () => create(RegisterReplySchema, { admitted: true })),
      serveUnary(pluginMethods.loadState, async () => create(LoadStateReplySchema)),
      serveUnary(sidecarMethods.publish, async ({ payload }) => {
        receive(payload);
        await mayAnswer.promise;
        answered += 1;
        return create(PublishReplySchema, { accepted: true, messageId: 'm' });
      }),
      serveStream(pluginMethods.publish, async (stream) => {
        const answers: Promise<void>[] = [];
        for await (const { items } of stream) {
          for (const { request } of items) receive(request?.payload ?? new Uint8Array());
          const results = items.map(({ clientSequence }) =>
            create(PublishResultSchema, { ...accepted, clientSequence }),
          );
          answers.push(
            mayAnswer.promise.then(() => {
              answered += results.length;
              stream.write(create(PublishResultsSchema, { results }));
            }),
          );
        }
        await Promise.all(answers);
      }),
    ],
  });
  opened.push(() => listener.close());
  return {
    address: listener.address,
    received,
    answer: mayAnswer.resolve,
    unansweredPeak: () => unansweredPeak,
  };
}

async function startPlugin(address: string): Promise<Plugin> {
  const options = { schemaVersion: '1', waitTimeoutMs: 30_000, network: grpcNetwork, scheduler: realScheduler };
  const plugin = await Plugin.connect({ ...options, address, log: silentLog });
  opened.push(() => plugin.stop('test over'));
  return plugin;
}

/** The first bytes say the number. */
function payloadOf(index: number, byteLength: number): Uint8Array {
  const payload = Buffer.alloc(byteLength);
  payload.write(String(index).padStart(8, '0'));
  return payload;
}

test.each([
  { what: 'messages', byteLength: 8, count: 70_000, unansweredMax: 65_536 },
  { what: 'bytes, of which a large message has a call of its own', byteLength: 900_000, count: 80, unansweredMax: 74 },
])(
  'as many publishes as the limit of $what are unanswered, and the next wait',
  { timeout: 60_000 },
  async ({ byteLength, count, unansweredMax }) => {
    const peer = await startSilentPeer();
    const plugin = await startPlugin(peer.address);
    const publish = (_: unknown, index: number) => plugin.publish('demo.ticks', payloadOf(index, byteLength));
    const publishes = Array.from({ length: count }, publish);
    await expect.poll(() => peer.received.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(unansweredMax);
    // What had been sent beside them would have arrived before these answers.
    for (let round = 0; round < 20; round += 1) await plugin.loadState();
    expect(peer.received).toHaveLength(unansweredMax);
    peer.answer();
    const late = plugin.publish('demo.ticks', payloadOf(count, byteLength));
    const outcomes = await Promise.all([...publishes, late]);
    expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['accepted']));
    expect(peer.unansweredPeak()).toBe(unansweredMax);
    const numbers = peer.received.map(Number);
    // Large ones have calls of their own, which may overtake one another.
    if (byteLength > 64 * 1024) numbers.sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: count + 1 }, (_, index) => index));
  },
);
