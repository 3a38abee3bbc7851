import { createWriteStream } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';

export interface ZipEntry {
  /** From the root of the zip, with forward slashes. */
  readonly path: string;
  readonly bytes: Buffer;
  readonly executable: boolean;
}

/** The earliest time that a zip can hold. Zips hold local times, so it is made from local parts. */
const fixedTime = new Date(1980, 0, 1);

/**
 * Writes a zip with the same bytes for the same entries, in any order, at any time and on any machine: sorted, with one fixed
 * time, and with one of two modes each.
 */
export async function writeZip(file: string, entries: readonly ZipEntry[]): Promise<void> {
  const zip = new ZipFile();
  for (const entry of entries.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    zip.addBuffer(entry.bytes, entry.path, {
      mtime: fixedTime,
      // The other form of a time in a zip counts from an epoch, and would contain the time zone.
      forceDosTimestamp: true,
      mode: entry.executable ? 0o100755 : 0o100644,
      // Level 9 saves a quarter of a percent of the runtime, for more than twice the time.
      compressionLevel: 6,
    });
  }
  zip.end();
  await mkdir(path.dirname(file), { recursive: true });
  await pipeline(zip.outputStream, createWriteStream(`${file}.partial`));
  await rename(`${file}.partial`, file);
}
