import { backup, type DatabaseSync } from 'node:sqlite';
import { messageOf } from '../../../../base/user-facing-error.ts';
import type { CopiedPages, FromWorker } from '../store-commands.ts';
import { createPrivately } from './store-file.ts';

/** So few that a commit between two steps waits a few milliseconds at most. */
const pagesPerStep = 256;

/**
 * Copies an open store to a file that does not exist, as it is when the copy is done: what the same connection commits
 * meanwhile is copied too. https://sqlite.org/backup.html
 * @throws Error, also what `onProgress` throws, which ends the copy.
 */
export async function copyStore(
  database: DatabaseSync,
  to: string,
  onProgress: (pages: CopiedPages) => void,
): Promise<void> {
  if (!createPrivately(to)) throw new Error(`${to} exists`);
  await backup(database, to, {
    rate: pagesPerStep,
    progress: ({ totalPages, remainingPages }) =>
      onProgress({ copied: totalPages - remainingPages, total: totalPages }),
  });
}

/** The copies of the store that the worker makes while it goes on with commands. */
export class StoreCopies {
  readonly #database: DatabaseSync;
  readonly #send: (message: FromWorker) => void;
  #running: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(database: DatabaseSync, send: (message: FromWorker) => void) {
    this.#database = database;
    this.#send = send;
  }

  start(to: string): void {
    const copied = copyStore(this.#database, to, (pages) => {
      if (this.#isStopping) throw new Error('the bus stopped');
      this.#send({ kind: 'copying', ...pages });
    });
    this.#running = copied.then(
      () => this.#send({ kind: 'copied', failure: undefined }),
      (error: unknown) => this.#send({ kind: 'copied', failure: messageOf(error) }),
    );
  }

  /** The file must not be closed while it is copied. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }
}
