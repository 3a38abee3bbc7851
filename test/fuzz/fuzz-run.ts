/** What a worker is told. */
export interface FuzzRun {
  /** The module of the target, as a URL. */
  readonly module: string;
  readonly seed: number;
  readonly inputs: number;
  readonly maxBytes: number;
  readonly corpus: readonly Uint8Array[];
  readonly current: SharedArrayBuffer;
}

/** What a worker answers. */
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
 * The input that is tried, in memory that outlives the thread that tries it: a thread that hangs or runs out of memory cannot say
 * what it was given.
 */
export class CurrentInput {
  readonly #head: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(memory: SharedArrayBuffer) {
    this.#head = new Int32Array(memory, 0, headBytes / Int32Array.BYTES_PER_ELEMENT);
    this.#bytes = new Uint8Array(memory, headBytes);
  }

  static memoryFor(maxBytes: number): SharedArrayBuffer {
    return new SharedArrayBuffer(headBytes + maxBytes);
  }

  /** How many inputs were tried, with the one that is. */
  get number(): number {
    return Atomics.load(this.#head, 0);
  }

  get bytes(): Uint8Array {
    return this.#bytes.slice(0, Atomics.load(this.#head, 1));
  }

  set(input: Uint8Array): void {
    this.#bytes.set(input);
    Atomics.store(this.#head, 1, input.length);
    Atomics.add(this.#head, 0, 1);
  }
}
