import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import path from 'node:path';

/** The largest file that people write: configuration, lists, credentials. */
export const textFileBytesMax = 1024 * 1024;

export interface ReadTextOptions {
  /** The folder that must contain the file after all links are followed. Absent: any folder. */
  readonly within?: string;
  /** Default: `textFileBytesMax`. */
  readonly maxBytes?: number;
}

/** A file that exists but cannot be used. Neither message nor reason contains its content. */
export class UnfitFileError extends Error {
  /** The problem, without the file's path. */
  readonly reason: string;

  constructor(file: string, reason: string) {
    super(`${file}: ${reason}`);
    this.reason = reason;
  }
}

/**
 * Reads a text written by somebody else: a regular file of bounded size, only within the given folder. Never opens a FIFO or a device,
 * since it could wait forever.
 * @throws UnfitFileError, or the system's error.
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

/** The same, synchronously, for a program that needs the text to continue. @throws UnfitFileError, or the system's error. */
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

/** Non-blocking: the file may have become a FIFO, or be a file of /proc without data. */
const openFlags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

function tooLong(file: string, maxBytes: number): UnfitFileError {
  return new UnfitFileError(file, `it is longer than ${maxBytes} bytes`);
}

/** Errors caused by the author of the path. Any other is the system's own problem. */
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

/** The kind of file at a path, for messages. */
export function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a FIFO';
  if (found.isSocket()) return 'a socket';
  if (found.isSymbolicLink()) return 'a link';
  return found.isFile() ? 'a file' : 'a device';
}

/** Undefined if the file is longer. */
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
