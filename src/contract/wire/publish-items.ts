import { lengthDelimited, WireReader } from './codec/wire-reader.ts';
import { type PublishItem, PublishItemSchema } from './gen/meridian/sidecar/v1/plugin_pb.ts';
import { pluginMethods } from './methods.ts';
import { readMessage } from './read-message.ts';

/** A batch whose items are decoded from its bytes at each iteration. */
export interface ReadBatch {
  readonly items: Iterable<PublishItem>;
  readonly byteLength: number;
}

/** `PublishBatch.items`: field 1. */
const itemTag = (1 << 3) | lengthDelimited;

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
  const reader = new WireReader(bytes);
  while (reader.pos < reader.end) {
    const tag = reader.uint32();
    if (tag === itemTag) yield readMessage(PublishItemSchema, reader.bytes());
    else reader.skip(tag);
  }
}
