/** The exit code of a command that an interrupt ended before it was done, as shells report it. */
export const interruptedExitCode = 130;

/**
 * Aborts at the first SIGINT, SIGTERM or SIGHUP, and when the reader of stdout is gone. A second interrupt ends the process at once, since
 * it is not caught.
 */
export function interruption(): AbortSignal {
  const ended = new AbortController();
  const end = (): void => ended.abort();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end);
  process.stdout.once('error', end);
  return ended.signal;
}

/** Writes to stdout, and resolves when its reader has room for more or is gone. */
export async function writeOut(text: string | Uint8Array, gone: AbortSignal): Promise<void> {
  if (process.stdout.write(text) || gone.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      process.stdout.off('drain', done);
      gone.removeEventListener('abort', done);
      resolve();
    };
    process.stdout.once('drain', done);
    gone.addEventListener('abort', done, { once: true });
  });
}
