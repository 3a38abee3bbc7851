import type { Encoded } from '../../contract/wire/codec/encoded.ts';
import { create, encode } from '../../contract/wire/codec/message.ts';
import { lengthFault } from '../../contract/wire/field-limits/length-fault.ts';
import {
  type Envelope,
  EnvelopeSchema,
  type MessageMeta,
  MessageMetaSchema,
} from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { limits } from '../../contract/wire/limits.ts';
import { notGranted } from '../../contract/wire/topics/grants.ts';
import { topicProblem } from '../../contract/wire/topics/topic.ts';
import type { Registration } from '../ownership/registration.ts';
import { type Stamp, senderRefusal, stampEnvelope } from './stamp-envelope.ts';

/** An envelope that the bus accepted, or the reason for a refusal with the metadata that may be reported. */
export type ReceivedEnvelope =
  | { readonly envelope: Encoded<Envelope>; readonly meta: MessageMeta; readonly refusal: undefined }
  | { readonly meta: MessageMeta; readonly refusal: string };

/** Stamps and checks the envelope of a publish or a call. The sender is the registered instance, whatever the envelope says. */
export function receiveEnvelope(
  { owner, access }: Pick<Registration, 'owner' | 'access'>,
  sent: Envelope | undefined,
  messageId: Stamp['messageId'],
  nowNs: bigint,
): ReceivedEnvelope {
  const stamp = { owner, messageId, nowNs };
  const refusal =
    senderRefusal(sent, stamp) ??
    (sent && lengthFault(EnvelopeSchema, sent)?.message) ??
    topicRefusal(access, sent?.meta?.topic ?? '');
  const envelope = stampEnvelope(sent, stamp);
  const { meta = create(MessageMetaSchema) } = envelope;
  if (refusal !== undefined) return { meta: beginningOf(meta), refusal };
  return { envelope: encode(EnvelopeSchema, envelope), meta, refusal };
}

/** The sender, topic and trace of a refused message, shortened: all that is kept of it, however large it was. */
function beginningOf({ messageId, publisherInstanceId, topic, traceparent }: MessageMeta): MessageMeta {
  const isTopic = Buffer.byteLength(topic) <= limits.topicBytes;
  return create(MessageMetaSchema, {
    messageId,
    publisherInstanceId,
    topic: isTopic ? topic : '',
    traceparent: traceparent.length <= limits.traceparentBytes ? traceparent : '',
  });
}

function topicRefusal(access: Registration['access'], topic: string): string | undefined {
  if (access.allowsPublish(topic)) return undefined;
  const fault = topicProblem(topic);
  return fault === undefined
    ? `the bus has ${notGranted(access, 'publish', topic)}`
    : `"${topic}" is not a topic: it ${fault}`;
}
