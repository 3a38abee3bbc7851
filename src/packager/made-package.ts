import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

export interface MadePackage {
  readonly path: string;
  readonly sizeBytes: number;
  /** Of the file, in hexadecimal. */
  readonly sha256: string;
}

/** The report of a package that was written. */
export async function madePackage(file: string): Promise<MadePackage> {
  const bytes = await readFile(file);
  return { path: file, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}
