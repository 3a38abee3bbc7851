import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { LimitError } from '../../base/limit-error.ts';
import { countValues } from './count-values.ts';
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
