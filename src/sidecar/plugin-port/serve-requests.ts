import { InterruptibleIterable } from '../../base/async/interruptible-iterable.ts';
import { create } from '../../contract/wire/codec/message.ts';
import { lengthFault } from '../../contract/wire/field-limits/length-fault.ts';
import {
  AnswerSchema,
  OpenServerSchema,
  type ServeEvent,
  ServeEventSchema,
  type ServeRequest,
} from '../../contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import type { OneofInit } from '../../contract/wire/oneof-init.ts';
import type { RpcStream } from '../../transport/rpc.ts';
import { RpcError, throwFault } from '../../transport/status.ts';
import { StreamHold } from '../memory/stream-hold.ts';
import { checkPattern } from './checked-pattern.ts';
import type { PluginPort } from './plugin-port.ts';
import { WaitingRequests } from './waiting-requests.ts';

type ServeEventInit = OneofInit<typeof ServeEventSchema, 'event'>;

/** Passes the requests on one pattern to the plugin, and its answers to the bus. */
export async function serveRequests(port: PluginPort, stream: RpcStream<ServeRequest, ServeEvent>): Promise<void> {
  const { gone } = port.admission.require();
  const messages = stream[Symbol.asyncIterator]();
  const first = await messages.next();
  const open = first.done ? undefined : first.value.message;
  if (open?.case !== 'open') throw new RpcError('INVALID_ARGUMENT', 'Serve starts with OpenServer');
  throwFault(lengthFault(OpenServerSchema, open.value));
  checkPattern(port, open.value.pattern);

  const send = (event: ServeEventInit): void => void stream.write(create(ServeEventSchema, { event }));
  const answers = new InterruptibleIterable(messages);
  gone.throwIfAborted();
  gone.addEventListener('abort', () => answers.interrupt(gone.reason), { once: true, signal: stream.over });
  const { incoming, hasCapacity } = port.memory;
  const hold = new StreamHold(incoming, stream);
  const requests = new WaitingRequests({
    scheduler: port.scheduler,
    stream,
    hold,
    send: ({ requestId, envelope, timeoutMs }) => {
      send({ case: 'request', value: { requestId, timeoutMs, ...(envelope && { envelope }) } });
      port.telemetry.requested(envelope);
    },
    onDropped: ({ requestId }) => server.answer({ requestId, ok: false, errorDetail: 'the responder did not read it' }),
  });
  const server = port.servers.add(open.value.pattern, {
    serving: () => send({ case: 'serving', value: {} }),
    request: (request) => requests.add(request),
    refusal: (request) => {
      const fits = hasCapacity(request.envelope?.payload.length ?? 0);
      return requests.refusal(request) ?? (fits ? undefined : "the responder's sidecar is short of memory");
    },
    ended: (status) => answers.interrupt(status),
  });
  try {
    for await (const { message } of answers) {
      if (message.case !== 'answer') continue;
      const { requestId, ok, payloadType, payload, errorDetail } = message.value;
      const fault = lengthFault(AnswerSchema, message.value);
      if (fault) server.answer({ requestId, errorDetail: `the answer is not passed on: ${fault.message}` });
      else server.answer({ requestId, ok, payloadType, payload, errorDetail });
    }
  } finally {
    server.close();
    requests.close();
    hold.close();
  }
}
