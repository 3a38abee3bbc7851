import type { DeliveredMessage, Message } from '../../../src/plugin/message.ts';
import type { Taken } from '../entries.ts';

/** A delivered message as the journals of the subscribers hold it; its payload is its number. */
export function takenFrom(message: Message & Pick<DeliveredMessage, 'position' | 'maybeRedelivered'>): Taken {
  const { sourceId, topic, payload, messageId, position, maybeRedelivered } = message;
  const number = Number(Buffer.from(payload).toString());
  return { publisher: sourceId, topic, number, messageId, position: `${position}`, marked: maybeRedelivered };
}
