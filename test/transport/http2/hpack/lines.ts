import type { HeaderDecoder } from '../../../../src/transport/http2/hpack/header-decoder.ts';
import type { HeaderField } from '../../../../src/transport/http2/hpack/header-field.ts';
import { HpackError } from '../../../../src/transport/http2/hpack/hpack-error.ts';

/** Fields as `name: value`. */
export function lines(fields: readonly HeaderField[]): string[] {
  return fields.map(({ name, value }) => `${name}: ${value}`);
}

/** A decoder's dynamic table, newest entry first, as a peer can see it: by indexes. Nothing may be decoded afterwards. */
export function dynamicTable(decoder: HeaderDecoder): readonly HeaderField[] {
  const fields: HeaderField[] = [];
  for (let index = 62; ; index++) {
    const block = index < 127 ? [0x80 | index] : [0xff, index - 127];
    try {
      fields.push(...decoder.decode(Uint8Array.from(block)).fields);
    } catch (error) {
      if (error instanceof HpackError) return fields;
      throw error;
    }
  }
}
