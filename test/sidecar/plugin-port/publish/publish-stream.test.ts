import { describe, expect, test } from 'vitest';
import { sleep } from '../../../../src/base/time/scheduler.ts';
import { create } from '../../../../src/contract/wire/codec/message.ts';
import {
  type PublishBatch,
  PublishBatchSchema,
  PublishOutcome,
  type PublishResult,
  type PublishResults,
} from '../../../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { RegisterRequestSchema } from '../../../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { limits } from '../../../../src/contract/wire/limits.ts';
import { pluginMethods, sidecarMethods } from '../../../../src/contract/wire/methods.ts';
import type { ClientStream } from '../../../../src/transport/rpc.ts';
import { statusCodes } from '../../../../src/transport/status.ts';
import { SimulatedWorld } from '../../simulated-world.ts';

type PublishStream = ClientStream<PublishResults, PublishBatch>;

async function withStream(story: (world: SimulatedWorld, stream: PublishStream) => Promise<void>): Promise<void> {
  const world = new SimulatedWorld(1);
  const run = async (): Promise<void> => {
    await world.startBus();
    const { sidecar, address } = world.createSidecar({ INSTANCE_ID: 'one' });
    await sidecar.start();
    const connection = await world.network.connect(address, {
      timeoutMs: 1_000,
      maxMessageBytes: limits.messageBytes,
    });
    await connection.unary(sidecarMethods.register, create(RegisterRequestSchema));
    await story(world, connection.stream(pluginMethods.publish));
  };
  await world.run(run());
}

function batch(from: number, count: number, topic = 'demo.ticks'): PublishBatch {
  const items = Array.from({ length: count }, (_, index) => ({
    clientSequence: BigInt(from + index),
    request: { topic, payload: Buffer.from('x') },
  }));
  return create(PublishBatchSchema, { items });
}

async function read(stream: PublishStream): Promise<{ messages: number; results: PublishResult[] }> {
  const read = { messages: 0, results: [] as PublishResult[] };
  for await (const { results } of stream) {
    read.messages += 1;
    read.results.push(...results);
  }
  return read;
}

describe('a stream of publishes', () => {
  test('answers every item once, many with one message', () =>
    withStream(async (_world, stream) => {
      for (let from = 1; from <= 901; from += 100) stream.write(batch(from, 100));
      stream.end();
      const { messages, results } = await read(stream);
      expect(results.map(({ clientSequence }) => clientSequence)).toEqual(
        Array.from({ length: 1_000 }, (_, index) => BigInt(index + 1)),
      );
      expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set([PublishOutcome.ACCEPTED]));
      expect(messages).toBeLessThan(results.length / 4);
    }));

  test('is not read on while its plugin leaves thousands of results unread, and goes on when it reads', () =>
    withStream(async (world, stream) => {
      const sent = 200;
      // What is refused at once needs no bus, so that nothing but the plugin's own reading holds it back.
      for (let index = 0; index < sent; index += 1) stream.write(batch(index * 100 + 1, 100, 'not.granted'));
      await sleep(world.scheduler, 60_000);
      expect(stream.queuedBytes).toBeGreaterThan(0);
      stream.end();
      const { results } = await read(stream);
      expect(results).toHaveLength(sent * 100);
      expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set([PublishOutcome.REFUSED]));
    }));

  test('says with which status the unary Publish of a refused item would have failed, and 0 where it would have answered', () =>
    withStream(async (_world, stream) => {
      const requests = [
        { topic: 'demo.ticks', correlationId: 'x'.repeat(1_025) },
        { topic: 'other.topic' },
        { topic: 'demo.ticks' },
      ];
      const items = requests.map((request, index) => ({ clientSequence: BigInt(index), request }));
      stream.write(create(PublishBatchSchema, { items }));
      stream.end();
      const { results } = await read(stream);
      const endings = new Map(results.map((each) => [each.clientSequence, each]));
      expect(endings.get(0n)).toMatchObject({
        outcome: PublishOutcome.REFUSED,
        statusCode: statusCodes.indexOf('INVALID_ARGUMENT'),
        refusalReason: expect.stringContaining('correlation_id'),
      });
      expect(endings.get(1n)).toMatchObject({ outcome: PublishOutcome.REFUSED, statusCode: 0 });
      expect(endings.get(2n)).toMatchObject({ outcome: PublishOutcome.ACCEPTED, statusCode: 0 });
    }));
});
