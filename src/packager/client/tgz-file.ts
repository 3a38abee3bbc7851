import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

export interface TgzEntry {
  /** From the root of the archive, with forward slashes; ASCII, up to 100 bytes. */
  readonly path: string;
  readonly bytes: Buffer;
}

const blockBytes = 512;
const pathBytesMax = 100;
/** npm gives this time to everything it packs: tools that read a time of 0 as "none" accept it. */
const fixedTimeS = Date.UTC(1985, 9, 26, 8, 15) / 1_000;

/**
 * Writes a gzipped tar with the same bytes for the same entries, in any order, at any time and on any machine: sorted, with one
 * fixed time, one mode and no owner.
 */
export async function writeTgz(file: string, entries: readonly TgzEntry[]): Promise<void> {
  const sorted = entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  // Two empty blocks end the archive: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html, "ustar Interchange Format"
  const tar = Buffer.concat([...sorted.flatMap(blocksOf), Buffer.alloc(2 * blockBytes)]);
  const tgz = gzipSync(tar, { level: 9 });
  // The header has no time, and names the system that made it: https://www.rfc-editor.org/rfc/rfc1952#page-8. 255 is "unknown".
  tgz[9] = 255;
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.partial`, tgz);
  await rename(`${file}.partial`, file);
}

function blocksOf({ path: name, bytes }: TgzEntry): Buffer[] {
  return [headerOf(name, bytes.length), bytes, Buffer.alloc(-bytes.length & (blockBytes - 1))];
}

function headerOf(name: string, sizeBytes: number): Buffer {
  if (!/^[\x21-\x7e]+$/.test(name) || name.length > pathBytesMax)
    throw new Error(`a path in a .tgz has 1 to ${pathBytesMax} ASCII characters and no space: "${name}"`);
  const header = Buffer.alloc(blockBytes);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  header.write(name, 0);
  header.write(octal(0o644, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(sizeBytes, 11), 124);
  header.write(octal(fixedTimeS, 11), 136);
  // The checksum is made with spaces in its own place.
  header.fill(' ', 148, 156);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)} `, 148);
  return header;
}
