import type { MessageType } from '../codec/message.ts';
import { countValues, type FieldCounts } from '../count-values.ts';
import { limits } from '../limits.ts';
import { type LimitFault, limitOf } from './field-limits.ts';

/** The least limit of all repeated fields of a message and its nested messages; infinite without any. */
const leastLimits = new Map<MessageType<unknown>, number>();

/**
 * The first repeated field of an encoded message with more items than its limit, counted over the whole message, or undefined. An item of
 * two bytes could take a hundred once decoded.
 */
export function countFault(type: MessageType<unknown>, bytes: Uint8Array): LimitFault | undefined {
  // An item takes at least one byte, so a shorter message cannot have too many.
  if (bytes.length <= leastLimit(type)) return undefined;
  const counts: FieldCounts = new Map();
  try {
    // The decoder refuses a message with too many values in all.
    if (countValues(type, bytes, counts) > limits.messageValues) return undefined;
  } catch {
    // The decoder refuses bytes that cannot be read.
    return undefined;
  }
  for (const [field, items] of counts) {
    const { items: limit = 0 } = limitOf(field.parent, field);
    if (items > limit) {
      return { code: 'RESOURCE_EXHAUSTED', message: `${field.name} has ${items} items; the limit is ${limit}` };
    }
  }
  return undefined;
}

function leastLimit(type: MessageType<unknown>): number {
  const known = leastLimits.get(type);
  if (known !== undefined) return known;
  const limitsWithin = type.fields().map((field) => {
    const { items = Infinity } = field.isList ? limitOf(type, field) : {};
    return Math.min(items, field.message ? leastLimit(field.message) : Infinity);
  });
  const least = Math.min(...limitsWithin, Infinity);
  leastLimits.set(type, least);
  return least;
}
