import { expect, test } from 'vitest';
import { sleep } from '../../src/base/time/scheduler.ts';
import { create } from '../../src/contract/wire/codec/message.ts';
import {
  ConsumeRequestSchema,
  LifecycleRequestSchema,
} from '../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import {
  LeaveRequestSchema,
  RegisterRequestSchema,
  SubscribeRequestSchema,
} from '../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { pluginMethods, sidecarMethods } from '../../src/contract/wire/methods.ts';
import type { Connection } from '../../src/transport/rpc.ts';
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

/** Registers, holds one message without an answer, and does what is given when it is told to stop. Resolves with the message's attempt. */
async function heldAttempt(connection: Connection, whenTold: (consume: { cancel(): void }) => void): Promise<number> {
  await connection.unary(sidecarMethods.register, create(RegisterRequestSchema));
  const lifecycle = connection.stream(pluginMethods.lifecycle);
  lifecycle.write(create(LifecycleRequestSchema, { message: { case: 'attach', value: {} } }));
  const consume = connection.stream(pluginMethods.consume);
  const credit = { messages: 10, bytes: 10_000 };
  const open = { name: 'all', pattern: 'demo.*', credit };
  consume.write(create(ConsumeRequestSchema, { message: { case: 'open', value: open } }));
  void (async () => {
    for await (const { event } of lifecycle) if (event.case === 'stop') whenTold(consume);
  })().catch(() => {});
  for await (const { event } of consume) if (event.case === 'message') return event.value.attempt;
  throw new Error('the subscription ended without a message');
}

test.each([
  ['leaves its stream open until the time is over', () => {}],
  ['cancels its stream before the time is over', (consume: { cancel(): void }) => consume.cancel()],
])('a message held by a plugin that is told to stop is no attempt when the plugin %s', async (_, whenTold) => {
  const world = new SimulatedWorld(1);
  const story = async (): Promise<void> => {
    await world.startBus();
    const publisher = world.createSidecar({ INSTANCE_ID: 'publisher' });
    await publisher.sidecar.start();
    const publishing = await world.connectPlugin(publisher.address);
    const attempts: number[] = [];
    for (let start = 1; start <= 3; start += 1) {
      const { sidecar, address } = world.createSidecar({ INSTANCE_ID: 'held' });
      await sidecar.start();
      const connection = await world.network.connect(address, { timeoutMs: 1_000, maxMessageBytes: 4_096 });
      const held = heldAttempt(connection, whenTold);
      await sleep(world.scheduler, 1_000);
      if (start === 1) await publishing.publish('demo.ticks', Buffer.from('held'));
      attempts.push(await held);
      await sidecar.stop('test');
      connection.close();
    }
    expect(attempts).toEqual([1, 1, 1]);
  };
  await world.run(story());
});
