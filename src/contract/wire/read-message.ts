import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { LimitError } from '../../base/limit-error.ts';
import { countValues } from './count-values.ts';
import { limits } from './limits.ts';

/**
 * Decodes a message safely; every part of the product uses it. Two bytes on the wire can take some hundred in memory. So it drops unknown
 * fields, and counts the known ones before it decodes any.
 * @throws LimitError naming limit and value; Error if the bytes are not such a message.
 */
export function readMessage<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  // A value takes at least one byte, so a shorter message cannot have too many.
  if (bytes.length > limits.messageValues) {
    const values = countValues(schema, bytes);
    if (values > limits.messageValues) {
      throw new LimitError(`${schema.typeName} with ${values} values; at most ${limits.messageValues} are allowed`);
    }
  }
  return fromBinary(schema, bytes, { readUnknownFields: false });
}
