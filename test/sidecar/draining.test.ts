import { expect, test } from 'vitest';
import { sleep } from '../../src/base/time/scheduler.ts';
import { create } from '../../src/contract/wire/codec/message.ts';
import {
  LeaveRequestSchema,
  RegisterRequestSchema,
  SubscribeRequestSchema,
} from '../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { sidecarMethods } from '../../src/contract/wire/methods.ts';
import { busAddress, SimulatedWorld } from './simulated-world.ts';

test('a sidecar that drains hands nothing to its plugin, even when the bus is lost and comes back meanwhile', async () => {
  const world = new SimulatedWorld(1);
  const story = async (): Promise<void> => {
    await world.startBus();
    const publisher = world.createSidecar({ INSTANCE_ID: 'publisher' });
    await publisher.sidecar.start();
    const publishing = await world.connectPlugin(publisher.address);
    const { sidecar, address } = world.createSidecar({ INSTANCE_ID: 'draining' });
    await sidecar.start();

    // A v1 plugin, which goes on taking whatever comes.
    const connection = await world.network.connect(address, { timeoutMs: 1_000, maxMessageBytes: 4_096 });
    await connection.unary(sidecarMethods.register, create(RegisterRequestSchema));
    const subscription = connection.stream(sidecarMethods.subscribe);
    subscription.write(create(SubscribeRequestSchema, { pattern: 'demo.*' }));
    const taken: string[] = [];
    const over = (async () => {
      for await (const { envelope } of subscription) taken.push(Buffer.from(envelope?.payload ?? []).toString());
    })().catch(() => {});
    await sleep(world.scheduler, 1_000);
    await publishing.publish('demo.ticks', Buffer.from('before'));
    await sleep(world.scheduler, 1_000);

    const stopped = sidecar.stop('test');
    world.network.cut(busAddress);
    await sleep(world.scheduler, 2_000);
    const outcome = await publishing.publish('demo.ticks', Buffer.from('meanwhile'));
    expect(outcome).toMatchObject({ outcome: 'accepted' });
    await sleep(world.scheduler, 1_000);
    await connection.unary(sidecarMethods.leave, create(LeaveRequestSchema));
    expect(await stopped).toBe(0);
    await over;
    expect(taken).toEqual(['before']);
  };
  await world.run(story());
});
