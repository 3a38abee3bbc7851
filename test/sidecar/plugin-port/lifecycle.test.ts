import { afterEach, describe, expect, test } from 'vitest';
import { create } from '../../../src/contract/wire/codec/message.ts';
import {
  ConsumeRequestSchema,
  type LifecycleEvent,
  type LifecycleRequest,
  LifecycleRequestSchema,
} from '../../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { RegisterRequestSchema } from '../../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { limits } from '../../../src/contract/wire/limits.ts';
import { pluginMethods, sidecarMethods } from '../../../src/contract/wire/methods.ts';
import { grpcNetwork } from '../../../src/transport/grpc/network.ts';
import type { ClientStream, Connection } from '../../../src/transport/rpc.ts';
import { connectPlugin } from '../plugins.ts';
import { endAll, startBus, startSidecar, writeTemporary } from '../processes.ts';

const connections: Connection[] = [];

afterEach(async () => {
  for (const connection of connections.splice(0)) connection.close();
  await endAll();
});

async function registered(address: string): Promise<Connection> {
  const connection = await grpcNetwork.connect(address, { timeoutMs: 5_000, maxMessageBytes: limits.messageBytes });
  connections.push(connection);
  await connection.unary(sidecarMethods.register, create(RegisterRequestSchema));
  return connection;
}

type Callbacks = ClientStream<LifecycleEvent, LifecycleRequest>;

function attach(connection: Connection): Callbacks {
  const callbacks = connection.stream(pluginMethods.lifecycle);
  callbacks.write(create(LifecycleRequestSchema, { message: { case: 'attach', value: { client: 'test' } } }));
  return callbacks;
}

const fastChecks = () => ({
  SIDECAR_CONFIG: writeTemporary('sidecar.yml', 'intervals: { health_check: 50ms }\n'),
});

describe('of two Lifecycle streams', () => {
  test('the newer is the one, and the older is told so and ends', async () => {
    const bus = await startBus();
    const { program, address } = await startSidecar(bus.address);
    const connection = await registered(address);
    const events: (string | undefined)[] = [];
    let newer: Callbacks | undefined;
    for await (const { event } of attach(connection)) {
      events.push(event.case);
      if (event.case === 'attached') newer = attach(connection);
    }
    expect([events[0], events.at(-1)]).toEqual(['attached', 'replaced']);

    program.signal('SIGTERM');
    for await (const { event } of newer ?? []) {
      if (event.case !== 'stop') continue;
      newer?.write(create(LifecycleRequestSchema, { message: { case: 'stopped', value: {} } }));
      newer?.end();
    }
    expect(await program.exited).toBe(0);
    expect(program.stdout).not.toContain('from=RUNNING to=READY');
  });
});

describe('a health check', () => {
  test('reaches a plugin past the messages that it does not read', async () => {
    const bus = await startBus();
    const publisher = await startSidecar(bus.address, { INSTANCE_ID: 'oms-2' });
    const publishing = await connectPlugin(publisher.address);
    const { program, address } = await startSidecar(bus.address, fastChecks());
    const connection = await registered(address);
    const unread = connection.stream(pluginMethods.consume);
    const open = { name: 'all', pattern: 'platform.oms.*', credit: { messages: 256, bytes: 2 ** 22 } };
    unread.write(create(ConsumeRequestSchema, { message: { case: 'open', value: open } }));
    await unread[Symbol.asyncIterator]().next();
    const payload = Buffer.alloc(512 * 1024);
    for (let index = 0; index < 10; index += 1) await publishing.publish('platform.oms.orders', payload);

    let checks = 0;
    const callbacks = attach(connection);
    for await (const { event } of callbacks) {
      if (event.case !== 'healthCheck') continue;
      const { checkId } = event.value;
      const report = { checkId, healthy: true };
      callbacks.write(create(LifecycleRequestSchema, { message: { case: 'healthReport', value: report } }));
      checks += 1;
      if (checks === 10) break;
    }
    expect(program.stdout).not.toContain('health check missed');
    await publishing.stop('done');
  });
});
