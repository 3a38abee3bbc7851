import { lengthFault } from '../../../contract/wire/field-limits/length-fault.ts';
import {
  type Delivery,
  type SubscribeRequest,
  SubscribeRequestSchema,
} from '../../../contract/wire/gen/meridian/v1/sidecar_pb.ts';
import type { CallContext, RpcStream } from '../../../transport/rpc.ts';
import { RpcError, throwFault } from '../../../transport/status.ts';
import { checkPattern } from '../checked-pattern.ts';
import { LossReport } from '../loss-report.ts';
import type { PluginPort } from '../plugin-port.ts';
import { V1Patterns } from './v1-patterns.ts';
import { V1Stream } from './v1-stream.ts';

/**
 * Serves a v1 subscription. Delivered means written to the stream. A new stream of the pattern continues there; two open
 * streams each get every message. The response headers say that the subscription is open. When a stream is read too slowly,
 * messages without capacity are dropped, counted, logged, and reported on the lifecycle stream.
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
  throwFault(lengthFault(SubscribeRequestSchema, first.value));
  const { pattern } = first.value;
  checkPattern(port, pattern);

  gone.throwIfAborted();
  const { scheduler, log, lifecycle, telemetry, settings, memory } = port;
  const name = V1Patterns.nameOf(pattern);
  const losses = new LossReport({
    scheduler,
    log,
    pattern,
    tell: (count) => {
      lifecycle.lost(pattern, count);
      telemetry.lost(name, count);
    },
  });
  const outgoing = new V1Stream({
    stream,
    bufferBytes: settings.v1BufferBytes,
    budget: memory.incoming,
    onDone: (delivery, outcome) => {
      if (outcome === 'dropped') losses.add();
      else telemetry.delivered(name, delivery);
      membership.done(delivery);
    },
  });
  const membership = port.v1Patterns.join(pattern, { stream: outgoing, onOpen: () => call.accept() });
  stream.over.addEventListener('abort', () => outgoing.end(), { once: true });
  gone.addEventListener('abort', () => outgoing.fail(gone.reason), { once: true, signal: stream.over });
  try {
    membership.begin();
    await outgoing.run();
  } finally {
    membership.leave();
    losses.close();
  }
}
