import { statSync } from 'node:fs';
import { StoreDamagedError } from './store-fault.ts';

/** The files of an open store. Commits to a removed file are lost when the process ends. */
export class HeldFiles {
  readonly #nodes: ReadonlyMap<string, bigint>;

  /** `path` is absolute. */
  constructor(path: string) {
    const found = [path, `${path}-wal`].map((file) => [file, nodeOf(file)] as const);
    this.#nodes = new Map(found.flatMap(([file, node]) => (node === undefined ? [] : [[file, node]])));
  }

  /** @throws StoreDamagedError if a file was removed, or another file has its name. */
  check(): void {
    for (const [file, node] of this.#nodes) {
      if (nodeOf(file) !== node)
        throw new StoreDamagedError(`${file} was removed or replaced while the bus had it open`);
    }
  }
}

function nodeOf(file: string): bigint | undefined {
  return statSync(file, { bigint: true, throwIfNoEntry: false })?.ino;
}
