import type { Writable } from 'node:stream';
import { createLog, type Log, type LogOptions } from '../log/log.ts';

/** Lines are dropped while more than this waits for the stream's reader. */
const pendingBytesMax = 1024 * 1024;

/**
 * Writes lines to stdout or stderr of a service, which must survive a reader that is gone or stuck, and a full disk. Lines that cannot be
 * written are dropped and counted.
 */
export class LineStream {
  readonly #stream: Writable;
  readonly #onLost: (lines: number) => void;
  readonly #seal: (line: string) => string;
  #lost = 0;
  #lostInRow = 0;

  /** `onLost` gets the number of dropped lines when writing works again. `seal` makes of each other line what is written. */
  constructor(
    stream: Writable,
    onLost: (lines: number) => void = () => {},
    seal: (line: string) => string = (line) => line,
  ) {
    this.#stream = stream;
    this.#onLost = onLost;
    this.#seal = seal;
    // An error event without a listener ends the process. The failed write reports the same error.
    stream.on('error', () => {});
  }

  /** Lines dropped since the start. */
  get linesLost(): number {
    return this.#lost;
  }

  write(line: string): void {
    if (this.#stream.writableLength + line.length > pendingBytesMax) this.#lose();
    else this.#stream.write(`${this.#seal(line)}\n`, (error) => (error ? this.#lose() : this.#tellLost()));
  }

  #lose(): void {
    this.#lost += 1;
    this.#lostInRow += 1;
  }

  #tellLost(): void {
    const lines = this.#lostInRow;
    if (lines === 0) return;
    this.#lostInRow = 0;
    this.#onLost(lines);
  }
}

/** A log on stdout or stderr. At a terminal, which adds no time to lines, text lines have one. */
export function createStreamLog(
  stream: Writable & { readonly isTTY?: boolean },
  options: Omit<LogOptions, 'write' | 'terminal'>,
): Log {
  const lines = new LineStream(stream, (count) =>
    log.warn('lines of the log were lost before this one', { lines: count }),
  );
  const terminal = stream.isTTY ? stream : undefined;
  const log = createLog({ ...options, terminal, write: (line) => lines.write(line) });
  return log;
}
