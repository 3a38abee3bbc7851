import { closeSync, openSync, readSync, writeSync } from 'node:fs';

/** What the process that tries inputs is told. */
export interface FuzzRun {
  /** The module of the target, as a URL. */
  readonly module: string;
  readonly seed: number;
  readonly inputs: number;
  readonly maxBytes: number;
  readonly corpus: readonly Uint8Array[];
  /** The file of the current input. */
  readonly current: string;
}

/** What that process answers. */
export interface FuzzReport {
  readonly tried: number;
  /** How often each outcome was seen. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** What was wrong with the input that was tried last. */
  readonly failure?: string;
  /** What was wrong with all of them together. */
  readonly growth?: string;
}

const headBytes = 8;

/**
 * The input that is tried, in a file that outlives the process that tries it: one that hangs or runs out of memory cannot say
 * what it was given.
 */
export class CurrentInput {
  readonly #file: number;
  readonly #memory: Buffer;
  #number = 0;

  constructor(file: string, maxBytes: number) {
    this.#file = openSync(file, 'r+');
    this.#memory = Buffer.alloc(headBytes + maxBytes);
  }

  /** How many inputs were tried, with this one, and its bytes. */
  read(): { readonly number: number; readonly bytes: Uint8Array } {
    if (readSync(this.#file, this.#memory, 0, this.#memory.length, 0) === 0)
      return { number: 0, bytes: Buffer.alloc(0) };
    const end = headBytes + this.#memory.readUInt32LE(4);
    return { number: this.#memory.readUInt32LE(0), bytes: Buffer.from(this.#memory.subarray(headBytes, end)) };
  }

  write(input: Uint8Array): void {
    this.#number += 1;
    this.#memory.writeUInt32LE(this.#number, 0);
    this.#memory.writeUInt32LE(input.length, 4);
    this.#memory.set(input, headBytes);
    writeSync(this.#file, this.#memory, 0, headBytes + input.length, 0);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
