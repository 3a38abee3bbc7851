import { create } from '../../../src/contract/wire/codec/message.ts';
import { PublishBatchSchema } from '../../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import {
  CallRequestSchema,
  HeartbeatRequestSchema,
  PublishRequestSchema,
} from '../../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { pluginMethods, sidecarMethods } from '../../../src/contract/wire/methods.ts';
import type { Method } from '../../../src/transport/rpc.ts';
import { writeTemporary } from '../../sidecar/processes.ts';

export const topics = { publish: 'platform.oms.bench', call: 'platform.ask.bench' } as const;
export const payload = Buffer.alloc(256, 'x');
const publish = create(PublishRequestSchema, { topic: topics.publish, payload });

/** How many messages one stream publishes. A sidecar refuses more than 1,024 that the bus has not answered yet, and two streams are open. */
export const streamMessages = 448;

/** Files of what each request sends: one message, or all of a stream, each message with gRPC's prefix. */
export const requestBodies = {
  echo: () => writeBody(frame(payload)),
  heartbeat: () => writeBody(encode(sidecarMethods.heartbeat, create(HeartbeatRequestSchema, { healthy: true }))),
  publish: () => writeBody(encode(sidecarMethods.publish, publish)),
  call: () => writeBody(encode(sidecarMethods.call, create(CallRequestSchema, { topic: topics.call, payload }))),
  /** Publishes `streamMessages` messages. */
  publishes: (batch: number) =>
    writeBody(
      ...Array.from({ length: streamMessages / batch }, (_unused, index) => {
        const items = Array.from({ length: batch }, (_item, offset) => ({
          clientSequence: BigInt(index * batch + offset + 1),
          request: publish,
        }));
        return encode(pluginMethods.publish, create(PublishBatchSchema, { items }));
      }),
    ),
} as const;

function encode<Request>({ request }: Pick<Method<Request, unknown>, 'request'>, message: Request): Buffer {
  return frame(request.encode(message));
}

/** https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: not compressed, the length, the message. */
function frame(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function writeBody(...frames: readonly Buffer[]): string {
  return writeTemporary('body', Buffer.concat(frames));
}
