import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** The number of values of each field, over the whole message. */
export type FieldCounts = Map<DescField, number>;

/**
 * Counts the values of known fields, also in nested messages, and adds those of each repeated field to `counts`. It reads only the bytes,
 * since decoding them could take too much memory. @throws Error if the bytes cannot be read.
 */
export function countValues(schema: DescMessage, bytes: Uint8Array, counts: FieldCounts = new Map()): number {
  const fields = fieldsOf(schema);
  const reader = new BinaryReader(bytes);
  let values = 0;
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const field = fields.get(number);
    const content = wireType === WireType.LengthDelimited ? reader.bytes() : undefined;
    if (!content) reader.skip(wireType, number);
    if (!field) continue;
    const own = content ? ownValues(field, content) : 1;
    if (field.fieldKind === 'list') counts.set(field, (counts.get(field) ?? 0) + own);
    values += own + (content && field.message ? countValues(field.message, content, counts) : 0);
  }
  return values;
}

function ownValues(field: DescField, bytes: Uint8Array): number {
  // A string or bytes field is one value. Other scalars may be packed, and each of those ends with a byte below 128.
  if (field.fieldKind !== 'list' || field.message || stringTypes.has(field.scalar ?? 0)) return 1;
  let ends = 0;
  for (const byte of bytes) if (byte < 128) ends += 1;
  return ends;
}

/** `string` and `bytes` by their numbers in descriptors: https://protobuf.com/docs/descriptors#field-types */
const stringTypes: ReadonlySet<number> = new Set([9, 12]);

const fieldMaps = new WeakMap<DescMessage, ReadonlyMap<number, DescField>>();

function fieldsOf(schema: DescMessage): ReadonlyMap<number, DescField> {
  let fields = fieldMaps.get(schema);
  if (!fields) {
    fields = new Map(schema.fields.map((field) => [field.number, field]));
    fieldMaps.set(schema, fields);
  }
  return fields;
}
