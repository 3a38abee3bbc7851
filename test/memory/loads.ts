import { Client, credentials } from '@grpc/grpc-js';
import { create } from '../../src/contract/wire/codec/message.ts';
import {
  type ConsumeRequest,
  ConsumeRequestSchema,
  SaveStateRequestSchema,
  StartAt,
} from '../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { PublishRequestSchema, RegisterRequestSchema } from '../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { pluginMethods, sidecarMethods } from '../../src/contract/wire/methods.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import type { Connection } from '../../src/transport/rpc.ts';
import { RpcError } from '../../src/transport/status.ts';
import { BarePlugin } from '../bench/bare-plugin.ts';

const largeBytes = 900 * 1024;

/** How many of each outcome there were: `accepted`, or the code of a refusal. */
export type Outcomes = Record<string, number>;

export async function connect(address: string): Promise<Connection> {
  const connection = await grpcNetwork.connect(address, { timeoutMs: 30_000, maxMessageBytes: 4 * 1024 * 1024 });
  await connection.unary(sidecarMethods.register, create(RegisterRequestSchema, { schemaVersion: '1.0.0' }));
  return connection;
}

/** The load of `npm run bench`, in both directions at once. */
export async function benchmarkLoad(address: string, messages: number): Promise<void> {
  const plugin = await BarePlugin.connect(address);
  const subscriber = await plugin.subscribe('bench');
  await Promise.all([plugin.publishUnary(messages, 64), subscriber.take(messages)]);
  await Promise.all([plugin.publishStreamed(messages, { batch: 64, inFlight: 512 }), subscriber.take(messages)]);
  plugin.close();
}

/** Publishes messages of `largeBytes`, so many of them at a time, whatever becomes of them. */
export async function publishLarge(plugin: Connection, messages: number, inFlight: number): Promise<Outcomes> {
  const request = create(PublishRequestSchema, { topic: 'platform.oms.large', payload: Buffer.alloc(largeBytes, 'x') });
  return repeat(messages, inFlight, async () => {
    const { accepted } = await plugin.unary(sidecarMethods.publish, request);
    return accepted ? 'accepted' : 'refused';
  });
}

/** Saves states of 1 MiB, so many at a time. */
export function saveStates(plugin: Connection, states: number, inFlight: number): Promise<Outcomes> {
  const request = create(SaveStateRequestSchema, { state: Buffer.alloc(1024 * 1024, 'x') });
  return repeat(states, inFlight, async () => {
    await plugin.unary(pluginMethods.saveState, request);
    return 'accepted';
  });
}

/** Opens acknowledged subscriptions with all the credit there is, and reads none of them. */
export function subscribeWithoutReading(address: string, subscriptions: number): { close(): void } {
  const client = new Client(address, credentials.createInsecure());
  const { path, request, response } = pluginMethods.consume;
  const encode = (message: ConsumeRequest): Buffer => Buffer.from(request.encode(message));
  const streams = Array.from({ length: subscriptions }, (_, index) => {
    const stream = client.makeBidiStreamRequest(path, encode, (bytes) => response.decode(bytes));
    stream.on('error', () => {});
    const credit = { messages: 1_000, bytes: 2 ** 31 };
    const value = { name: `unread-${index}`, pattern: 'platform.oms.*', startAt: StartAt.NEW, credit };
    stream.write(create(ConsumeRequestSchema, { message: { case: 'open', value } }));
    return stream;
  });
  return {
    close() {
      // A client that closes lets its open calls go on, and these would never end.
      for (const stream of streams) stream.cancel();
      client.close();
    },
  };
}

async function repeat(times: number, inFlight: number, once: () => Promise<string>): Promise<Outcomes> {
  const outcomes: Outcomes = {};
  let left = times;
  const onAndOn = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const outcome = await once().catch((error: unknown) => RpcError.from(error).code);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, onAndOn));
  return outcomes;
}
