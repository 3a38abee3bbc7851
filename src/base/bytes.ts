const binaryUnits = ['B', 'KiB', 'MiB', 'GiB'] as const;

/**
 * A size for a person: whole bytes up to 1 KiB, then at most one decimal.
 * @example formatBytes(983_040) // '960 KiB'
 */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // Rounds as it will be shown. Otherwise just under 1 MiB would become 1024 KiB.
  while (Number(value.toFixed(1)) >= 1024 && unit < binaryUnits.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number(value.toFixed(1))} ${binaryUnits[unit]}`;
}

/** A copy in memory of its own if the bytes are a view of a much larger buffer, which the view would retain. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength > 2 * bytes.byteLength ? new Uint8Array(bytes) : bytes;
}

/** The longest beginning of a text, in whole characters, that fits into the bytes. */
export function beginningOf(text: string, bytesMax: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytesMax));
  return text.slice(0, read);
}
