import { realScheduler } from '../../base/time/real-scheduler.ts';

/** Compose answers at once, from memory. */
const timeoutMs = 5_000;
/** A service with all its options is a few kilobytes. */
const lineBytesMax = 4 * 1024 * 1024;

/** The next line of stdin; undefined if it ends, is too long, or none comes in time. Compose holds stdin open, so it is not read to its end. */
export function stdinLine(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const { stdin } = process;
    const chunks: Buffer[] = [];
    let bytes = 0;
    const finish = (line: string | undefined): void => {
      timer.cancel();
      stdin.off('data', take);
      // An open stdin would keep the process running.
      stdin.destroy();
      resolve(line);
    };
    const take = (chunk: Buffer): void => {
      const end = chunk.indexOf(10);
      chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
      bytes += chunk.length;
      if (end >= 0) finish(Buffer.concat(chunks).toString());
      else if (bytes > lineBytesMax) finish(undefined);
    };
    const timer = realScheduler.setTimer(timeoutMs, () => finish(undefined));
    stdin.on('data', take);
    stdin.once('end', () => finish(undefined));
    stdin.once('error', () => finish(undefined));
  });
}
