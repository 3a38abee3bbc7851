import type { Writable } from 'node:stream';
import { createLog, type Log, type LogOptions } from '../log/log.ts';

/** While more than this waits for the reader of a stream, lines are dropped. */
const pendingBytesMax = 1024 * 1024;

/**
 * Lines to stdout or stderr of a service, which lives on whatever becomes of them: a reader that is gone or reads nothing, a
 * full disk. Lines that cannot be written are dropped and counted.
 */
export class LineStream {
  readonly #stream: Writable;
  readonly #onLost: (lines: number) => void;
  #lost = 0;
  #lostInRow = 0;

  /** `onLost` hears, when writing works again, how many lines were dropped before. */
  constructor(stream: Writable, onLost: (lines: number) => void = () => {}) {
    this.#stream = stream;
    this.#onLost = onLost;
    // An error that nobody listens for ends the process. The write that failed hears of it too.
    stream.on('error', () => {});
  }

  /** Lines that were dropped since the start. */
  get linesLost(): number {
    return this.#lost;
  }

  write(line: string): void {
    if (this.#stream.writableLength + line.length > pendingBytesMax) this.#lose();
    else this.#stream.write(`${line}\n`, (error) => (error ? this.#lose() : this.#tellLost()));
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

/** A log that a service writes to stdout. */
export function createStreamLog(stream: Writable, options: Omit<LogOptions, 'write'>): Log {
  const lines = new LineStream(stream, (count) =>
    log.warn('lines of the log were lost before this one', { lines: count }),
  );
  const log = createLog({ ...options, write: (line) => lines.write(line) });
  return log;
}
