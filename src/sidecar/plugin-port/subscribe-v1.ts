import { create } from '@bufbuild/protobuf';
import { AsyncQueue } from '../../base/async-queue.ts';
import { type Delivery as BusDelivery, StartAt } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import {
  type Delivery,
  DeliverySchema,
  type SubscribeRequest,
} from '../../contract/wire/gen/meridian/v1/sidecar_pb.ts';
import type { CallContext, RpcStream } from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';
import { checkPattern } from './checked-pattern.ts';
import type { PluginPort } from './plugin-port.ts';

/** While more than this waits in the stream, nothing more is handed to it, and the bus gets no more credit. */
const streamBufferBytes = 256 * 1024;

/**
 * Serves a v1 subscription. Delivered means handed to the stream: that is when it is acknowledged to the bus, so that a
 * new stream of the same pattern goes on after it. The response headers tell that the subscription stands.
 */
export async function subscribeV1(
  port: PluginPort,
  stream: RpcStream<SubscribeRequest, Delivery>,
  call: Pick<CallContext, 'accept'>,
): Promise<void> {
  const { gone } = port.admission.require();
  const requests = stream[Symbol.asyncIterator]();
  const first = await requests.next();
  if (first.done) throw new RpcError('INVALID_ARGUMENT', 'Subscribe needs a SubscribeRequest');
  const { pattern } = first.value;
  checkPattern(port, pattern);

  gone.throwIfAborted();
  const arrived = new AsyncQueue<BusDelivery>();
  const name = freeName(port, pattern);
  const { subscription, close } = port.subscriptions.add(
    { name, pattern, startAt: StartAt.NEW },
    port.settings.credits,
    {
      opened: () => call.accept(),
      deliver: (delivery) => arrived.push(delivery),
      acknowledged: (positions) => port.recorder.acknowledged(name, positions.length),
      ended: (status) => arrived.fail(status),
    },
  );
  stream.over.addEventListener('abort', () => arrived.end(), { once: true });
  gone.addEventListener('abort', () => arrived.fail(gone.reason), { once: true, signal: stream.over });
  try {
    for await (const delivery of arrived) {
      const { envelope, position, creditBytes } = delivery;
      if (stream.over.aborted) return;
      if (!envelope) continue;
      stream.write(create(DeliverySchema, { envelope }));
      port.recorder.delivered(name, delivery);
      subscription.acknowledge([position]);
      subscription.addCredit({ messages: 1, bytes: creditBytes });
      if (stream.queuedBytes > streamBufferBytes) await stream.drained(streamBufferBytes / 2);
    }
  } finally {
    close({ inGoodOrder: true });
  }
}

/** Each stream of one pattern has a position of its own; a new one takes up the first that no open stream has. */
function freeName(port: PluginPort, pattern: string): string {
  for (let index = 0; ; index += 1) {
    const name = index === 0 ? `v1:${pattern}` : `v1:${pattern}#${index}`;
    if (!port.subscriptions.hasName(name)) return name;
  }
}
