import { expect, test } from 'vitest';
import { sleep } from '../../../src/base/time/scheduler.ts';
import { create } from '../../../src/contract/wire/codec/message.ts';
import { ConsumeRequestSchema, StartAt } from '../../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { RegisterRequestSchema } from '../../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { limits } from '../../../src/contract/wire/limits.ts';
import { pluginMethods, sidecarMethods } from '../../../src/contract/wire/methods.ts';
import { openPolicy, SimulatedWorld } from '../simulated-world.ts';

test('a plugin that gives endless credit and reads nothing is sent no more than the credit window and one buffer', async () => {
  const world = new SimulatedWorld(1);
  const store = world.createStore();
  const delivered = new Set<bigint>();
  const record = store.recordDelivery.bind(store);
  store.recordDelivery = (owner, name, delivery) => {
    for (const position of delivery.positions) delivered.add(position);
    return record(owner, name, delivery);
  };
  await world.run(
    (async () => {
      await world.startBus(openPolicy, store);
      const reader = world.createSidecar({ INSTANCE_ID: 'slow' });
      const writer = world.createSidecar({ INSTANCE_ID: 'fast' });
      await Promise.all([reader.sidecar.start(), writer.sidecar.start()]);
      const { maxMessageBytes, timeoutMs } = { maxMessageBytes: limits.messageBytes, timeoutMs: 1_000 };
      const connection = await world.network.connect(reader.address, { timeoutMs, maxMessageBytes });
      await connection.unary(sidecarMethods.register, create(RegisterRequestSchema));
      const credit = { messages: 2 ** 32 - 1, bytes: 2 ** 32 - 1 };
      const value = { name: 'slow', pattern: 'demo.*', startAt: StartAt.NEW, credit };
      connection
        .stream(pluginMethods.consume)
        .write(create(ConsumeRequestSchema, { message: { case: 'open', value } }));
      await sleep(world.scheduler, 1_000);
      const publisher = await world.connectPlugin(writer.address);
      for (let index = 0; index < 1_500; index += 1) await publisher.publish('demo.ticks', new Uint8Array(8_192));
      await sleep(world.scheduler, 5_000);
      expect(delivered.size).toBeGreaterThan(0);
      expect(delivered.size).toBeLessThanOrEqual(2 * limits.creditMessages);
    })(),
  );
});
