/** A record's fields, and the bytes that it has beside them. */
export interface RecordContent {
  readonly fields: unknown;
  readonly bytes?: Uint8Array;
}

/** One line of JSON, in which a 64-bit number is `{"$n":"…"}`, then the bytes. */
export function encodeRecord({ fields, bytes = new Uint8Array() }: RecordContent): Uint8Array {
  const text = JSON.stringify(fields, (_, value: unknown) => (typeof value === 'bigint' ? { $n: `${value}` } : value));
  return Buffer.concat([Buffer.from(`${text}\n`), bytes]);
}

/** @throws SyntaxError if the bytes are not a record. */
export function decodeRecord(data: Uint8Array): { readonly fields: unknown; readonly bytes: Uint8Array } {
  const end = data.indexOf(10);
  if (end < 0) throw new SyntaxError('a record without a line end');
  return {
    fields: JSON.parse(Buffer.from(data.subarray(0, end)).toString(), revive),
    bytes: Uint8Array.from(data.subarray(end + 1)),
  };
}

function revive(_: string, value: unknown): unknown {
  const isNumber = typeof value === 'object' && value !== null && '$n' in value && typeof value.$n === 'string';
  return isNumber ? BigInt(value.$n as string) : value;
}
