/** Bytes of messages that no encoder would write. */

/** `count` times the same bytes, such as a field. */
export function repeated(field: readonly number[], count: number): Uint8Array {
  const bytes = new Uint8Array(field.length * count);
  for (let at = 0; at < bytes.length; at += field.length) bytes.set(field, at);
  return bytes;
}

/** A length-delimited field: a string, bytes, a message or packed scalars. */
export function lengthDelimited(fieldNumber: number, body: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.from([...varint((fieldNumber << 3) | 2), ...varint(body.length)]), body]);
}

/** A field of two bytes that the contract has in no message. */
export const unknownField = [15 << 3, 0] as const;

/** A method whose requests are bytes as they are. */
export function withRawRequests<M extends { readonly request: unknown }>(
  method: M,
): Omit<M, 'request'> & { readonly request: { encode(bytes: Uint8Array): Uint8Array; decode(): never } } {
  return {
    ...method,
    request: {
      encode: (bytes) => bytes,
      decode: () => {
        throw new Error('only sent');
      },
    },
  };
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}
