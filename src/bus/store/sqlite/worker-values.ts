import { Encoded } from '../../../contract/wire/codec/encoded.ts';
import { EnvelopeSchema } from '../../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { readMessage } from '../../../contract/wire/read-message.ts';
import type { NewMessage, Owner, StoredMessage, SubscriptionWriter } from '../store.ts';
import type { EncodedMessage, EncodedStoredMessage } from './store-commands.ts';

/** Callers may pass a whole request as the owner. Only these two fields go to the worker. */
export function bare({ instanceId, epoch }: Owner): Owner {
  return { instanceId, epoch };
}

export function bareWriter({ instanceId, epoch, scope }: SubscriptionWriter): SubscriptionWriter {
  return { instanceId, epoch, ...(scope !== undefined && { scope }) };
}

export function rowOf({ sequence, settledBelow, meta, envelope }: NewMessage): EncodedMessage {
  const { messageId, topic, dedupKey, publishedAtNs } = meta;
  return { sequence, settledBelow, messageId, topic, dedupKey, publishedAtNs, envelope: envelope.bytes };
}

export function messageIn({ position, envelope }: EncodedStoredMessage): StoredMessage {
  const { topic = '', publishedAtNs = 0n } = readMessage(EnvelopeSchema, envelope).meta ?? {};
  return { position, topic, publishedAtNs, envelope: new Encoded(envelope) };
}
