import { closeSync, type FSWatcher, openSync, readSync, watch, writeSync } from 'node:fs';

/** How long nothing may be written that a test waits for; far beyond every timeout of sidecar and bus. */
const stalledAfterMs = 60_000;

/**
 * Appends one record to a file before it returns, so that the record outlives a kill -9 of the process that follows.
 */
export function openJournal<Entry>(file: string): (entry: Entry) => void {
  const descriptor = openSync(file, 'a');
  return (entry) => void writeSync(descriptor, `${JSON.stringify(entry)}\n`);
}

/** Everything that a file holds, one record a line, as it grows. */
export class JournalReader<Entry> {
  readonly entries: Entry[] = [];
  readonly #file: string;
  readonly #descriptor: number;
  readonly #watcher: FSWatcher;
  readonly #onGrowth = new Set<() => void>();
  readonly #buffer = Buffer.alloc(64 * 1024);
  #rest = Buffer.alloc(0);

  /** The file is made when it is not there. */
  constructor(file: string) {
    this.#file = file;
    this.#descriptor = openSync(file, 'a+');
    this.#watcher = watch(file, () => this.#read());
    this.#read();
  }

  /** Resolves once the records fulfil the condition. @throws Error when too long nothing is written. */
  async until(what: string, isFulfilled: (entries: readonly Entry[]) => boolean): Promise<void> {
    while (!isFulfilled(this.entries)) await this.#growth(what);
  }

  /** Resolves when this many more records are there. @throws Error when too long nothing is written. */
  async more(count: number): Promise<void> {
    const goal = this.entries.length + count;
    await this.until(`${count} more records`, ({ length }) => length >= goal);
  }

  close(): void {
    this.#watcher.close();
    closeSync(this.#descriptor);
  }

  #growth(what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const grown = (): void => {
        clearTimeout(timer);
        this.#onGrowth.delete(grown);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#onGrowth.delete(grown);
        reject(new Error(`${this.#file} stalled at ${this.entries.length} records, waiting for ${what}`));
      }, stalledAfterMs);
      this.#onGrowth.add(grown);
    });
  }

  #read(): void {
    const before = this.entries.length;
    for (;;) {
      const length = readSync(this.#descriptor, this.#buffer);
      if (length === 0) break;
      const bytes = Buffer.concat([this.#rest, this.#buffer.subarray(0, length)]);
      const end = bytes.lastIndexOf('\n') + 1;
      for (const line of bytes.toString('utf8', 0, end).split('\n')) {
        if (line !== '') this.entries.push(JSON.parse(line) as Entry);
      }
      this.#rest = Buffer.from(bytes.subarray(end));
    }
    if (this.entries.length === before) return;
    for (const grown of this.#onGrowth) grown();
  }
}
