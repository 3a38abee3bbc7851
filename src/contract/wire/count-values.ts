import type { MessageType, WireField } from './codec/message.ts';
import { lengthDelimited, WireReader } from './codec/wire-reader.ts';

/** A field with the message that has it. */
export interface FieldOfMessage extends WireField {
  readonly parent: MessageType<unknown>;
}

/** The number of values of each field, over the whole message. */
export type FieldCounts = Map<FieldOfMessage, number>;

/**
 * Counts the values of known fields, also in nested messages, and adds those of each repeated field to `counts`. It reads only the bytes,
 * since decoding them could take too much memory. @throws Error if the bytes cannot be read.
 */
export function countValues(type: MessageType<unknown>, bytes: Uint8Array, counts: FieldCounts = new Map()): number {
  return countIn(type, new WireReader(bytes), counts);
}

function countIn(type: MessageType<unknown>, from: WireReader, counts: FieldCounts): number {
  const fields = fieldsOf(type);
  let values = 0;
  while (from.pos < from.end) {
    const tag = from.uint32();
    const field = fields.get(tag >>> 3);
    if (!field || (tag & 7) !== lengthDelimited) {
      from.skip(tag);
      if (field) values += counted(field, 1, counts);
      continue;
    }
    const outer = from.enter();
    values += counted(field, ownValues(field, from), counts);
    if (field.message) values += countIn(field.message, from, counts);
    from.leave(outer);
  }
  return values;
}

function counted(field: FieldOfMessage, own: number, counts: FieldCounts): number {
  if (field.isList) counts.set(field, (counts.get(field) ?? 0) + own);
  return own;
}

/** A message, a string and bytes are one value. Numbers may be packed. */
function ownValues({ isList, kind }: WireField, from: WireReader): number {
  if (!isList || kind !== 'varint') return 1;
  let own = 0;
  for (; from.pos < from.end; own += 1) from.uint32();
  return own;
}

const fieldMaps = new WeakMap<MessageType<unknown>, ReadonlyMap<number, FieldOfMessage>>();

function fieldsOf(type: MessageType<unknown>): ReadonlyMap<number, FieldOfMessage> {
  let fields = fieldMaps.get(type);
  if (!fields) {
    fields = new Map(type.fields().map((field) => [field.number, { ...field, parent: type }]));
    fieldMaps.set(type, fields);
  }
  return fields;
}
