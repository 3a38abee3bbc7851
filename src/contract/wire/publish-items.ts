import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { type PublishItem, PublishItemSchema } from './gen/meridian/sidecar/v1/plugin_pb.ts';
import { pluginMethods } from './methods.ts';
import { readMessage } from './read-message.ts';

/** A batch whose items are decoded from its bytes at each iteration. */
export interface ReadBatch {
  readonly items: Iterable<PublishItem>;
  readonly byteLength: number;
}

/** `PublishBatch.items`. */
const itemsField = 1;

/**
 * Publish for the server: it decodes a batch's items one at a time. A batch may have some hundred thousand items, which together would take
 * many times its bytes.
 */
export const publishItemwise = {
  ...pluginMethods.publish,
  request: {
    encode: (): never => {
      throw new Error('batches are only read item by item');
    },
    decode: (bytes: Uint8Array): ReadBatch => ({
      items: { [Symbol.iterator]: () => itemsOf(bytes) },
      byteLength: bytes.byteLength,
    }),
  },
};

/** @throws Error at the first bytes that are not part of a batch */
function* itemsOf(bytes: Uint8Array): Generator<PublishItem> {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    const isItem = field === itemsField && wireType === WireType.LengthDelimited;
    if (isItem) yield readMessage(PublishItemSchema, reader.bytes());
    else reader.skip(wireType, field);
  }
}
