import { LimitError } from '../../base/limit-error.ts';
import type { MessageType } from './codec/message.ts';
import { WireReader } from './codec/wire-reader.ts';
import { countValues } from './count-values.ts';
import { limits } from './limits.ts';

/**
 * Decodes a message safely; every part of the product uses it. Two bytes on the wire can take some hundred in memory. So it drops unknown
 * fields, and counts the known ones before it decodes any. Its bytes fields are views of `bytes`.
 * @throws LimitError naming limit and value; Error if the bytes are not such a message.
 */
export function readMessage<T>(type: MessageType<T>, bytes: Uint8Array): T {
  // A value takes at least one byte, so a shorter message cannot have too many.
  if (bytes.length > limits.messageValues) {
    const values = countValues(type, bytes);
    if (values > limits.messageValues) {
      throw new LimitError(`${type.typeName} with ${values} values; at most ${limits.messageValues} are allowed`);
    }
  }
  return type.read(new WireReader(bytes), type.create());
}
