import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { ConsumeRequestSchema, StartAt } from '../../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { RegisterRequestSchema } from '../../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { limits } from '../../../src/contract/wire/limits.ts';
import { pluginMethods, sidecarMethods } from '../../../src/contract/wire/methods.ts';
import { SimulatedWorld } from '../simulated-world.ts';

const messages = 2_000;
const payload = new Uint8Array(8_192);

test('a plugin that gives endless credit and reads late gets everything, in order and once', async () => {
  const world = new SimulatedWorld(1);
  await world.run(
    (async () => {
      await world.startBus();
      const reader = world.createSidecar({ INSTANCE_ID: 'slow' });
      const writer = world.createSidecar({ INSTANCE_ID: 'fast' });
      await Promise.all([reader.sidecar.start(), writer.sidecar.start()]);

      const connection = await world.network.connect(reader.address, {
        timeoutMs: 1_000,
        maxMessageBytes: limits.messageBytes,
      });
      await connection.unary(sidecarMethods.register, create(RegisterRequestSchema));
      const stream = connection.stream(pluginMethods.consume);
      const credit = { messages: 2 ** 32 - 1, bytes: 2 ** 32 - 1 };
      const value = { name: 'slow', pattern: 'demo.*', startAt: StartAt.NEW, credit };
      stream.write(create(ConsumeRequestSchema, { message: { case: 'open', value } }));
      const events = stream[Symbol.asyncIterator]();
      expect((await events.next()).value?.event.case).toBe('opened');

      const publisher = await world.connectPlugin(writer.address);
      for (let index = 0; index < messages; index += 1) await publisher.publish('demo.ticks', payload);

      const positions: bigint[] = [];
      while (positions.length < messages) {
        const { value: received } = await events.next();
        if (received?.event.case === 'message') positions.push(received.event.value.position);
      }
      expect(positions).toEqual(positions.toSorted((a, b) => (a < b ? -1 : 1)));
      expect(new Set(positions).size).toBe(messages);
    })(),
  );
});
