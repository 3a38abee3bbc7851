import { EnvelopeSchema } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { readMessage } from '../../contract/wire/read-message.ts';
import type { StoredMessage } from '../store/store.ts';

/** The key of a message: the one that its publisher gave, or else its topic and its publisher. */
export function keyOf({ topic, envelope }: StoredMessage): string {
  const { partitionKey = '', publisherInstanceId = '' } = readMessage(EnvelopeSchema, envelope.bytes).meta ?? {};
  // A topic holds no colon.
  return partitionKey === '' ? `${topic}:${publisherInstanceId}` : `:${partitionKey}`;
}
