import { crc32 } from 'node:zlib';
import { StoreDamagedError } from './file/store-fault.ts';

/**
 * SQLite detects a damaged page of its trees, but not one that continues the bytes of a long value:
 * https://sqlite.org/fileformat.html#ovflpgs.
 */
export function checksumOf(bytes: Uint8Array): number {
  return crc32(bytes);
}

/** The bytes, if they match the checksum. Rows of older schema versions have none. @throws StoreDamagedError */
export function checked(bytes: Uint8Array, checksum: bigint | null, what: string): Uint8Array {
  if (checksum === null || BigInt(checksumOf(bytes)) === checksum) return bytes;
  throw new StoreDamagedError(`${what} is not what was stored`);
}
