/**
 * A plugin that speaks contract v1 alone and passes what v1 can express, unless one of the faults below is its first argument.
 * Its second is how many messages it publishes, 1 when absent; its third how far its heartbeats are apart, in milliseconds, the first
 * of them as far from its start; with a fourth it asks for its state, which is beyond v1.
 */
import { create } from '../../src/contract/wire/codec/message.ts';
import { LoadStateRequestSchema } from '../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import {
  HeartbeatRequestSchema,
  LeaveRequestSchema,
  PublishRequestSchema,
  RegisterRequestSchema,
  SubscribeRequestSchema,
} from '../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { pluginMethods, sidecarMethods } from '../../src/contract/wire/methods.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import type { Connection } from '../../src/transport/rpc.ts';

export type V1Fault = 'sends-no-heartbeats' | 'ignores-sigterm';

const fault = process.argv[2] as V1Fault | '' | undefined;
const count = process.argv[3] ?? '1';
const heartbeatMs = Number(process.argv[4] ?? '500');
const sidecar = await connect();
await sidecar.unary(sidecarMethods.register, create(RegisterRequestSchema, { schemaVersion: '1.0.0' }));
process.on('SIGTERM', () => {
  if (fault !== 'ignores-sigterm') void leave();
});
if (fault !== 'sends-no-heartbeats') {
  const beat = () => sidecar.unary(sidecarMethods.heartbeat, create(HeartbeatRequestSchema, { healthy: true }));
  setInterval(() => void beat(), heartbeatMs);
}
if (process.argv[5] !== undefined) await sidecar.unary(pluginMethods.loadState, create(LoadStateRequestSchema));
const subscription = sidecar.stream(sidecarMethods.subscribe);
subscription.write(create(SubscribeRequestSchema, { pattern: 'demo.inputs.**' }));
subscription.end();
for (let index = 0; index < Number(count); index += 1) {
  const message = { topic: 'demo.events', payload: Buffer.from(`event ${index}`), payloadType: 'text/plain' };
  await sidecar.unary(sidecarMethods.publish, create(PublishRequestSchema, message));
}
try {
  for await (const _ of subscription);
} catch {
  // The sidecar ends it when the plugin leaves.
}

async function connect(): Promise<Connection> {
  try {
    return await grpcNetwork.connect(process.env.SIDECAR_ADDR ?? '', {
      timeoutMs: 5_000,
      maxMessageBytes: 1024 * 1024,
    });
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return connect();
  }
}

async function leave(): Promise<void> {
  await sidecar.unary(sidecarMethods.leave, create(LeaveRequestSchema, { reason: 'SIGTERM' }));
  process.exit(0);
}
