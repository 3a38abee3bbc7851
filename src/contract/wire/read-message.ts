import { type DescField, type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { LimitError } from '../../base/limit-error.ts';
import { limits } from './limits.ts';

/**
 * Reads a message as every part of the product does. Two bytes on the wire can become some hundred in memory: fields that the
 * contract does not have are therefore not kept, and those that it has are counted before the first is read.
 * @throws LimitError naming limit and value; Error when the bytes are not such a message.
 */
export function readMessage<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  // A value takes a byte at the least, so that a shorter message cannot have too many.
  if (bytes.length > limits.messageValues) {
    const values = countValues(schema, bytes);
    if (values > limits.messageValues) {
      throw new LimitError(`${schema.typeName} with ${values} values; at most ${limits.messageValues} are allowed`);
    }
  }
  return fromBinary(schema, bytes, { readUnknownFields: false });
}

/** How many values of known fields there are, in messages within the message too. @throws Error for what cannot be read. */
function countValues(schema: DescMessage, bytes: Uint8Array): number {
  const fields = fieldsOf(schema);
  const reader = new BinaryReader(bytes);
  let values = 0;
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const field = fields.get(number);
    if (field && wireType === WireType.LengthDelimited) values += valuesWithin(field, reader.bytes());
    else {
      reader.skip(wireType, number);
      values += field ? 1 : 0;
    }
  }
  return values;
}

function valuesWithin(field: DescField, bytes: Uint8Array): number {
  if (field.message) return 1 + countValues(field.message, bytes);
  // Strings and bytes are one value; of other scalars several may be packed, each of which ends with a byte below 128.
  if (field.fieldKind !== 'list' || stringTypes.has(field.scalar ?? 0)) return 1;
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
