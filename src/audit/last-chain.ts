import { open, stat } from 'node:fs/promises';
import { unseal } from './audit-chain.ts';

/** Longer than any audit line. */
const lineBytesMax = 16 * 1024;

/** The hash of a file's last line, or '' if it has none. Only a regular file is read. @throws the system's error */
export async function lastChainOf(path: string): Promise<string> {
  const status = await stat(path);
  // To open a pipe for reading would wait for a writer, or take lines from its reader.
  if (!status.isFile()) return '';
  const { size } = status;
  const file = await open(path);
  try {
    const from = Math.max(0, size - lineBytesMax);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    const [last = ''] = buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n').slice(-1);
    return unseal(last)?.chain ?? '';
  } finally {
    await file.close();
  }
}
