import { InterruptibleIterable } from '../../base/async/interruptible-iterable.ts';
import { forEachReady } from '../../base/async/ready-iterator.ts';
import { create } from '../../contract/wire/codec/message.ts';
import { deadLetterFault } from '../../contract/wire/dead-letter.ts';
import { lengthFault } from '../../contract/wire/field-limits/length-fault.ts';
import { StartAt as BusStartAt, type Delivery } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import {
  type ConsumeEvent,
  ConsumeEventSchema,
  type ConsumeRequest,
  type OpenSubscription,
  OpenSubscriptionSchema,
  StartAt,
} from '../../contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { limits } from '../../contract/wire/limits.ts';
import type { OneofInit } from '../../contract/wire/oneof-init.ts';
import type { RpcStream } from '../../transport/rpc.ts';
import { RpcError, throwFault } from '../../transport/status.ts';
import { StreamHold } from '../memory/stream-hold.ts';
import { checkPattern } from './checked-pattern.ts';
import { CreditWindow } from './credit-window.ts';
import { GatheredRequests } from './gathered-requests.ts';
import type { PluginPort } from './plugin-port.ts';
import { streamLimits } from './stream-limits.ts';

type ConsumeStream = RpcStream<ConsumeRequest, ConsumeEvent>;
type ConsumeEventInit = OneofInit<typeof ConsumeEventSchema, 'event'>;

/**
 * Serves one acknowledged subscription; passes credit and acks on. Half-close, Leave and the end of a plugin that was told to stop requeue
 * messages in flight. Any other broken stream (cancelled, connection lost, replaced by a newer one of its name) nacks them.
 */
export async function consume(port: PluginPort, stream: ConsumeStream): Promise<void> {
  const { gone, isStopping } = port.admission.require();
  const requests = stream[Symbol.asyncIterator]();
  const first = await requests.next();
  const open = first.done ? undefined : first.value.message;
  if (open?.case !== 'open') throw new RpcError('INVALID_ARGUMENT', 'Consume starts with OpenSubscription');
  checkOpen(port, open.value);

  const following = new InterruptibleIterable(requests);
  gone.throwIfAborted();
  gone.addEventListener('abort', () => following.interrupt(gone.reason), { once: true, signal: stream.over });
  const { incoming, credits, shedding } = port.memory;
  const window = new CreditWindow(port.settings.credits, credits);
  const hold = new StreamHold(incoming, stream);
  const { credit = { messages: 0, bytes: 0 }, startAt, ...request } = open.value;
  window.give(credit);
  const { subscription, close } = port.subscriptions.add(
    { ...request, startAt: busStartAt[startAt] ?? BusStartAt.UNSPECIFIED },
    window.take() ?? { messages: 0, bytes: 0 },
    {
      opened: (group) => send(stream, { case: 'opened', value: { group } }),
      deliver: (delivery) => {
        send(stream, { case: 'message', value: consumedMessage(delivery) });
        port.telemetry.delivered(request.name, delivery);
        window.delivered(delivery.creditBytes);
        hold.written();
        passCreditOn();
      },
      acknowledged: (positions) => {
        send(stream, { case: 'acknowledged', value: { positions: [...positions] } });
        port.telemetry.acknowledged(request.name, positions.length);
        passCreditOn();
      },
      ended: (status) => following.interrupt(status),
      hasCapacity: port.memory.hasCapacity,
    },
  );
  function passCreditOn(): void {
    if (stream.queuedBytes <= streamLimits.unreadBytes) passCreditOnNow();
    else void stream.drained(streamLimits.unreadBytes / 2).then(passCreditOnNow);
  }
  function passCreditOnNow(): void {
    // The sidecar and the bus remember each unacknowledged message, whatever credit the plugin gives.
    if (subscription.inFlight >= limits.unacknowledgedMessages) return;
    const portion = window.take();
    if (portion) subscription.addCredit(portion);
  }
  const stopListening = shedding.onEnd(passCreditOn);
  const gathered = new GatheredRequests({
    acknowledge: (positions) => subscription.acknowledge(positions),
    passCreditOn,
  });
  let isGraceful = false;
  try {
    await forEachReady(following[Symbol.asyncIterator](), ({ message }) => {
      if (message.case === 'acknowledge') gathered.acknowledge(message.value.positions);
      if (message.case === 'retry') {
        gathered.passAcksOn();
        subscription.nack(message.value.positions);
      }
      if (message.case === 'credit') {
        window.give(message.value);
        gathered.credit();
      }
      // Each ack is answered, and the answers would pile up for a plugin that does not read.
      const isBehind = stream.queuedBytes > streamLimits.unreadBytes;
      return isBehind ? stream.drained(streamLimits.unreadBytes / 2) : undefined;
    });
    isGraceful = true;
  } finally {
    gathered.passAcksOn();
    close({ isGraceful: isGraceful || isStopping() });
    stopListening();
    window.close();
    hold.close();
  }
}

const busStartAt: Readonly<Record<StartAt, BusStartAt>> = {
  [StartAt.UNSPECIFIED]: BusStartAt.LAST_ACKNOWLEDGED,
  [StartAt.NEW]: BusStartAt.NEW,
  [StartAt.LAST_ACKNOWLEDGED]: BusStartAt.LAST_ACKNOWLEDGED,
  [StartAt.TIME]: BusStartAt.TIME,
};

function consumedMessage({ position, envelope, maybeRedelivered, attempt, creditBytes }: Delivery) {
  return { position, ...(envelope && { envelope }), maybeRedelivered, attempt, creditBytes };
}

function send(stream: ConsumeStream, event: ConsumeEventInit): void {
  stream.write(create(ConsumeEventSchema, { event }));
}

function checkOpen(port: PluginPort, open: OpenSubscription): void {
  throwFault(lengthFault(OpenSubscriptionSchema, open));
  const { name, pattern, deadLetterTopic, startAt } = open;
  if (!/^[A-Za-z0-9_.-]{1,128}$/.test(name)) {
    throw new RpcError(
      'INVALID_ARGUMENT',
      `"${name}" is not a subscription name of 1 to 128 characters [A-Za-z0-9_.-]`,
    );
  }
  if (!(startAt in busStartAt)) throw new RpcError('INVALID_ARGUMENT', `start_at ${startAt} is not a value of StartAt`);
  checkPattern(port, pattern);
  const fault = deadLetterFault(open);
  if (fault !== undefined) throw new RpcError('INVALID_ARGUMENT', fault);
  const refusal = deadLetterTopic === '' ? undefined : port.access.publishRefusal(deadLetterTopic);
  if (refusal !== undefined) throw new RpcError('PERMISSION_DENIED', `the dead-letter topic: ${refusal}`);
}
