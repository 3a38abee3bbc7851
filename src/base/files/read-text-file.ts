import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import path from 'node:path';

/** The most that a file is read for that people write: configuration, lists, credentials. */
export const textFileBytesMax = 1024 * 1024;

export interface ReadTextOptions {
  /** The folder that the file must be in, once every link is followed; absent: it may be anywhere. */
  readonly within?: string;
  /** Default: `textFileBytesMax`. */
  readonly maxBytes?: number;
}

/** A file that is there and is not read or written; neither message nor reason holds content. */
export class UnfitFileError extends Error {
  /** What is wrong with it, without its path. */
  readonly reason: string;

  constructor(file: string, reason: string) {
    super(`${file}: ${reason}`);
    this.reason = reason;
  }
}

/**
 * Reads a text that somebody else wrote: a regular file of bounded size, and only within the folder that is theirs. A FIFO or a
 * device is not opened, so that nothing waits for it. @throws UnfitFileError, or the system's error.
 */
export async function readTextFile(file: string, options: ReadTextOptions = {}): Promise<string> {
  const { within, maxBytes = textFileBytesMax } = options;
  try {
    if (within !== undefined) await refuseOutside(file, within);
    refuseSpecial(file, await stat(file));
  } catch (error) {
    throw unfitPath(file, error) ?? error;
  }
  const handle = await open(file, openFlags);
  try {
    refuseSpecial(file, await handle.stat());
    const text = await readBounded(handle, maxBytes);
    if (text === undefined) throw tooLong(file, maxBytes);
    return text;
  } finally {
    await handle.close();
  }
}

/** The same for a program that cannot go on before it has the text. @throws UnfitFileError, or the system's error. */
export function readTextFileSync(file: string, maxBytes = textFileBytesMax): string {
  refuseSpecial(file, statSync(file));
  const opened = openSync(file, openFlags);
  try {
    refuseSpecial(file, fstatSync(opened));
    const buffer = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (let more = -1; more !== 0 && length <= maxBytes; length += more)
      more = readSync(opened, buffer, { offset: length });
    if (length > maxBytes) throw tooLong(file, maxBytes);
    return buffer.toString('utf8', 0, length);
  } finally {
    closeSync(opened);
  }
}

/** Not to wait, should it be a FIFO by now, or a file of /proc that has nothing to say yet. */
const openFlags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

function tooLong(file: string, maxBytes: number): UnfitFileError {
  return new UnfitFileError(file, `it is longer than ${maxBytes} bytes`);
}

/** What whoever wrote the path made of it; anything else is the system's own trouble. */
const pathFaults: Readonly<Record<string, string>> = {
  ELOOP: 'its links lead in a circle',
  ENOTDIR: 'a part of its path is not a folder',
  ENAMETOOLONG: 'its name is too long',
};

function unfitPath(file: string, error: unknown): UnfitFileError | undefined {
  const reason = pathFaults[(error as NodeJS.ErrnoException).code ?? ''];
  return reason === undefined ? undefined : new UnfitFileError(file, reason);
}

async function refuseOutside(file: string, folder: string): Promise<void> {
  const [real, root] = await Promise.all([realpath(file), realpath(folder)]);
  if (real !== root && !real.startsWith(root.endsWith(path.sep) ? root : `${root}${path.sep}`)) {
    throw new UnfitFileError(file, `it leads out of ${folder}`);
  }
}

function refuseSpecial(file: string, found: Stats): void {
  if (!found.isFile()) throw new UnfitFileError(file, `it is ${kindOf(found)}, not a file`);
}

/** What stands at a path, for messages. */
export function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a FIFO';
  if (found.isSocket()) return 'a socket';
  if (found.isSymbolicLink()) return 'a link';
  return found.isFile() ? 'a file' : 'a device';
}

/** Undefined: it is longer. */
async function readBounded(handle: FileHandle, maxBytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, null);
    if (bytesRead === 0) return Buffer.concat(chunks).toString('utf8');
    chunks.push(buffer.subarray(0, bytesRead));
    length += bytesRead;
    if (length > maxBytes) return undefined;
  }
}
