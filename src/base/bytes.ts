const binaryUnits = ['B', 'KiB', 'MiB', 'GiB'] as const;

/**
 * A size for a person: whole bytes up to 1 KiB, then at most one decimal.
 * @example formatBytes(983_040) // '960 KiB'
 */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // Rounded as it will be shown, or just under 1 MiB would be called 1024 KiB.
  while (Number(value.toFixed(1)) >= 1024 && unit < binaryUnits.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number(value.toFixed(1))} ${binaryUnits[unit]}`;
}

/** The same bytes in memory of their own, when they are a view of much more: what is kept must not keep all that came with it. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength > 2 * bytes.byteLength ? new Uint8Array(bytes) : bytes;
}

/** As many whole characters of a text as fit into so many bytes. */
export function beginningOf(text: string, bytesMax: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytesMax));
  return text.slice(0, read);
}
