import type { DescMessage } from '@bufbuild/protobuf';
import { countValues, type FieldCounts } from '../count-values.ts';
import { limits } from '../limits.ts';
import { type LimitFault, limitOf } from './field-limits.ts';

/** Whether messages of a kind, or their nested messages, have repeated fields. */
const listsOf = new Map<DescMessage, boolean>();

/**
 * The first repeated field of an encoded message with more items than its limit, counted over the whole message, or undefined. An item of
 * two bytes could take a hundred once decoded.
 */
export function countFault(desc: DescMessage, bytes: Uint8Array): LimitFault | undefined {
  if (!hasLists(desc)) return undefined;
  const counts: FieldCounts = new Map();
  try {
    // The decoder refuses a message with too many values in all.
    if (countValues(desc, bytes, counts) > limits.messageValues) return undefined;
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

function hasLists(desc: DescMessage): boolean {
  const known = listsOf.get(desc);
  if (known !== undefined) return known;
  const found = desc.fields.some(
    ({ fieldKind, message }) => fieldKind === 'list' || (message !== undefined && hasLists(message)),
  );
  listsOf.set(desc, found);
  return found;
}
