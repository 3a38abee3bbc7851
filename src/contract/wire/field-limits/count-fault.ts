import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { type LimitFault, limitOf } from './field-limits.ts';

/** Whether messages of a kind, or messages in them, have repeated fields. */
const listsOf = new Map<DescMessage, boolean>();

/**
 * The first repeated field of an encoded message that has more items than its limit, counted over the whole message;
 * undefined when none has. It looks at the bytes, since each item of two bytes takes a hundred once it is decoded.
 */
export function countFault(desc: DescMessage, bytes: Uint8Array): LimitFault | undefined {
  if (!hasLists(desc)) return undefined;
  const counts = new Map<DescField, number>();
  try {
    count(desc, bytes, counts);
  } catch {
    // What cannot be read is for the decoder to refuse.
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

export function hasLists(desc: DescMessage): boolean {
  const known = listsOf.get(desc);
  if (known !== undefined) return known;
  const found = desc.fields.some(
    ({ fieldKind, message }) => fieldKind === 'list' || (message !== undefined && hasLists(message)),
  );
  listsOf.set(desc, found);
  return found;
}

function count(desc: DescMessage, bytes: Uint8Array, counts: Map<DescField, number>): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const field = desc.fields.find((each) => each.number === number);
    const isLong = wireType === WireType.LengthDelimited;
    const content = isLong ? reader.bytes() : undefined;
    if (!content) reader.skip(wireType, number);
    if (!field) continue;
    const { message: inner } = field;
    if (field.fieldKind === 'list') {
      const items = content && isNumbers(field) ? packedItems(content) : 1;
      counts.set(field, (counts.get(field) ?? 0) + items);
    }
    if (content && inner && hasLists(inner)) count(inner, content, counts);
  }
}

function isNumbers({ scalar, message }: DescField): boolean {
  return message === undefined && scalar !== ScalarType.STRING && scalar !== ScalarType.BYTES;
}

/** Each number of a packed field ends with the one byte of it whose highest bit is not set. */
function packedItems(content: Uint8Array): number {
  let items = 0;
  for (const byte of content) if (byte < 0x80) items += 1;
  return items;
}
