import { expect, test } from 'vitest';
import { sleep } from '../../../src/base/time/scheduler.ts';
import { create } from '../../../src/contract/wire/codec/message.ts';
import {
  type ConsumeEvent,
  type ConsumeRequest,
  ConsumeRequestSchema,
  StartAt,
} from '../../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { RegisterRequestSchema } from '../../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { limits } from '../../../src/contract/wire/limits.ts';
import { pluginMethods, sidecarMethods } from '../../../src/contract/wire/methods.ts';
import type { Plugin } from '../../../src/plugin/plugin.ts';
import type { ClientStream } from '../../../src/transport/rpc.ts';
import { SimulatedWorld } from '../simulated-world.ts';

interface Reader {
  readonly publisher: Plugin;
  readonly stream: ClientStream<ConsumeEvent, ConsumeRequest>;
  readonly events: AsyncIterator<ConsumeEvent>;
}

/** A plugin that gives endless credit to its one subscription, and another that publishes. */
async function withReader(story: (world: SimulatedWorld, reader: Reader) => Promise<void>): Promise<void> {
  const world = new SimulatedWorld(1);
  const run = async (): Promise<void> => {
    await world.startBus();
    const reader = world.createSidecar({ INSTANCE_ID: 'slow' });
    const writer = world.createSidecar({ INSTANCE_ID: 'fast' });
    await Promise.all([reader.sidecar.start(), writer.sidecar.start()]);
    const options = { timeoutMs: 1_000, maxMessageBytes: limits.messageBytes };
    const connection = await world.network.connect(reader.address, options);
    await connection.unary(sidecarMethods.register, create(RegisterRequestSchema));
    const stream = connection.stream(pluginMethods.consume);
    const credit = { messages: 2 ** 32 - 1, bytes: 2 ** 32 - 1 };
    const value = { name: 'slow', pattern: 'demo.*', startAt: StartAt.NEW, credit };
    stream.write(create(ConsumeRequestSchema, { message: { case: 'open', value } }));
    const events = stream[Symbol.asyncIterator]();
    expect((await events.next()).value?.event.case).toBe('opened');
    await story(world, { publisher: await world.connectPlugin(writer.address), stream, events });
  };
  await world.run(run());
}

test('a plugin that gives endless credit and reads late gets everything, in order and once', () =>
  withReader(async (_, { publisher, events }) => {
    const payload = new Uint8Array(8_192);
    for (let index = 0; index < 2_000; index += 1) await publisher.publish('demo.ticks', payload);
    const positions: bigint[] = [];
    while (positions.length < 2_000) {
      const { value: received } = await events.next();
      if (received?.event.case === 'message') positions.push(received.event.value.position);
    }
    expect(positions).toEqual(positions.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(new Set(positions).size).toBe(2_000);
  }));

test('one that never acknowledges is delivered no more than the limit, and goes on once it does', () =>
  withReader(async (world, { publisher, stream, events }) => {
    const published = limits.unacknowledgedMessages + 1_000;
    const positions: bigint[] = [];
    const reading = (async () => {
      while (positions.length < published) {
        const { value: received } = await events.next();
        if (received?.event.case === 'message') positions.push(received.event.value.position);
      }
    })();
    for (let index = 0; index < published; index += 1) await publisher.publish('demo.ticks', new Uint8Array(1));
    await sleep(world.scheduler, 60_000);
    expect(positions.length).toBeGreaterThanOrEqual(limits.unacknowledgedMessages);
    expect(positions.length).toBeLessThanOrEqual(limits.unacknowledgedMessages + limits.creditMessages);

    const value = { positions: [...positions] };
    stream.write(create(ConsumeRequestSchema, { message: { case: 'acknowledge', value } }));
    await reading;
    expect(new Set(positions).size).toBe(published);
  }));
