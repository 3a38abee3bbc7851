import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** How many values each field has, over the whole message. */
export type FieldCounts = Map<DescField, number>;

/**
 * How many values of known fields there are, in messages within the message too; adds those of each repeated field to
 * `counts`. It looks only at the bytes, since what it counts may be too much to be decoded. @throws Error for what cannot be read.
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
  // Strings and bytes are one value; of other scalars several may be packed, each of which ends with a byte below 128.
  if (field.fieldKind !== 'list' || field.message || stringTypes.has(field.scalar ?? 0)) return 1;
  let ends = 0;
  for (const byte of bytes) if (byte < 128) ends += 1;
  return ends;
}

/** `string` and `bytes`, as descriptors number them: https://protobuf.com/docs/descriptors#field-types */
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
