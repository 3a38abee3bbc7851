import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { type PublishItem, PublishItemSchema } from './gen/meridian/sidecar/v1/plugin_pb.ts';
import { pluginMethods } from './methods.ts';
import { readMessage } from './read-message.ts';

/** A batch whose items are read from its bytes whenever they are iterated. */
export interface ReadBatch {
  readonly items: Iterable<PublishItem>;
}

/** `PublishBatch.items`. */
const itemsField = 1;

/**
 * Publish, for who serves it: the items of a batch are decoded one at a time. A batch may have some hundred thousand of them,
 * which together would take many times its bytes.
 */
export const publishItemwise = {
  ...pluginMethods.publish,
  request: {
    encode: (): never => {
      throw new Error('batches are only read item by item');
    },
    decode: (bytes: Uint8Array): ReadBatch => ({ items: { [Symbol.iterator]: () => itemsOf(bytes) } }),
  },
};

/** @throws Error, as it comes to them, for bytes that are no batch */
function* itemsOf(bytes: Uint8Array): Generator<PublishItem> {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    const isItem = field === itemsField && wireType === WireType.LengthDelimited;
    if (isItem) yield readMessage(PublishItemSchema, reader.bytes());
    else reader.skip(wireType, field);
  }
}
