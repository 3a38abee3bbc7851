import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { messageOf } from '../user-facing-error.ts';

export interface LineFileOptions {
  readonly path: string;
  /** Lines are dropped while more than this waits for the disk. */
  readonly pendingBytesMax: number;
  /** Makes of each line that is not dropped what is written. */
  readonly seal?: (line: string) => string;
  /** Called on the first of consecutive failures. */
  readonly onFailure: (reason: string) => void;
  /** Called with the number of lost lines when writing works again or the file is closed. */
  readonly onLost: (lines: number) => void;
}

/**
 * A file for appending lines without ever waiting for the disk. Lines that cannot be written are dropped and counted.
 * Make one with `LineFile.open`.
 */
export class LineFile {
  readonly #options: LineFileOptions;
  #handle: FileHandle;
  #pending: string[] = [];
  #pendingBytes = 0;
  #writing: Promise<void> | undefined;
  #reopenWanted = false;
  #lostInRow = 0;
  #lost = 0;

  private constructor(options: LineFileOptions, handle: FileHandle) {
    this.#options = options;
    this.#handle = handle;
  }

  /** Opens the file, readable for its group, and creates it if missing. @throws the system's error if it cannot be opened. */
  static async open(options: LineFileOptions): Promise<LineFile> {
    return new LineFile(options, await openForAppending(options.path));
  }

  /** Lines dropped since the file was opened. */
  get linesLost(): number {
    return this.#lost;
  }

  write(line: string): void {
    if (this.#pendingBytes + line.length > this.#options.pendingBytesMax) {
      this.#lose(1, `more than ${this.#options.pendingBytesMax} bytes wait for the disk`);
      return;
    }
    this.#pending.push(`${this.#options.seal?.(line) ?? line}\n`);
    this.#pendingBytes += line.length;
    this.#writing ??= this.#writeAll();
  }

  /** Reopens the path before the next line, after log rotation moved the file. */
  reopen(): void {
    this.#reopenWanted = true;
  }

  /** Resolves once every line is written or given up. */
  async close(): Promise<void> {
    await this.#writing;
    this.#tellLost();
    // That may have written a line.
    await this.#writing;
    await this.#handle.close().catch(() => {});
  }

  async #writeAll(): Promise<void> {
    while (this.#pending.length > 0) {
      const lines = this.#pending;
      this.#pending = [];
      this.#pendingBytes = 0;
      try {
        await this.#renew();
        // A failed write may have left half a line.
        await this.#handle.appendFile(`${this.#lostInRow > 0 ? '\n' : ''}${lines.join('')}`);
        this.#tellLost();
      } catch (error) {
        this.#lose(lines.length, messageOf(error));
      }
    }
    this.#writing = undefined;
  }

  async #renew(): Promise<void> {
    if (!this.#reopenWanted) return;
    const renewed = await openForAppending(this.#options.path);
    this.#reopenWanted = false;
    await this.#handle.close().catch(() => {});
    this.#handle = renewed;
  }

  #lose(lines: number, reason: string): void {
    if (this.#lostInRow === 0) this.#options.onFailure(reason);
    this.#lostInRow += lines;
    this.#lost += lines;
  }

  #tellLost(): void {
    if (this.#lostInRow > 0) this.#options.onLost(this.#lostInRow);
    this.#lostInRow = 0;
  }
}

const { O_APPEND, O_CREAT, O_NOCTTY, O_NONBLOCK, O_WRONLY } = constants;

/** A FIFO without a reader fails with ENXIO, a full one with EAGAIN. Neither blocks. */
function openForAppending(path: string): Promise<FileHandle> {
  return open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK, 0o640);
}
