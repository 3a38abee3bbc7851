import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Interruptible } from '../../base/interruptible.ts';
import { StartAt as BusStartAt } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import {
  type ConsumeEvent,
  ConsumeEventSchema,
  type ConsumeRequest,
  type OpenSubscription,
  StartAt,
} from '../../contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import type { RpcStream } from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';
import { checkPattern } from './checked-pattern.ts';
import type { PluginPort } from './plugin-port.ts';

type EventInit = NonNullable<MessageInitShape<typeof ConsumeEventSchema>['event']>;

/** Serves one acknowledged subscription: the plugin's credits and acknowledgements go to the bus as they come. */
export async function consume(port: PluginPort, stream: RpcStream<ConsumeRequest, ConsumeEvent>): Promise<void> {
  const { gone } = port.admission.require();
  const requests = stream[Symbol.asyncIterator]();
  const first = await requests.next();
  const open = first.done ? undefined : first.value.message;
  if (open?.case !== 'open') throw new RpcError('INVALID_ARGUMENT', 'Consume starts with OpenSubscription');
  checkOpen(port, open.value);

  const send = (event: EventInit): void => void stream.write(create(ConsumeEventSchema, { event }));
  const following = new Interruptible(requests);
  gone.throwIfAborted();
  gone.addEventListener('abort', () => following.interrupt(gone.reason), { once: true, signal: stream.over });
  const { credit, startAt, ...request } = open.value;
  const { subscription, close } = port.subscriptions.add(
    { ...request, startAt: startAt === StartAt.TIME ? BusStartAt.TIME : BusStartAt.NEW },
    { messages: credit?.messages ?? 0, bytes: credit?.bytes ?? 0 },
    {
      opened: () => send({ case: 'opened', value: {} }),
      deliver: ({ position, envelope, maybeRedelivered, attempt, creditBytes }) =>
        send({
          case: 'message',
          value: { position, ...(envelope && { envelope }), maybeRedelivered, attempt, creditBytes },
        }),
      acknowledged: (positions) => send({ case: 'acknowledged', value: { positions: [...positions] } }),
      ended: (status) => following.interrupt(status),
    },
  );
  try {
    for await (const { message } of following) {
      if (message.case === 'acknowledge') subscription.acknowledge(message.value.positions);
      if (message.case === 'credit') subscription.addCredit(message.value);
    }
  } finally {
    close();
  }
}

function checkOpen(port: PluginPort, { name, pattern }: OpenSubscription): void {
  if (!/^[A-Za-z0-9_.-]{1,128}$/.test(name)) {
    throw new RpcError('INVALID_ARGUMENT', `"${name}" is no subscription name of 1 to 128 characters [A-Za-z0-9_.-]`);
  }
  checkPattern(port, pattern);
}
