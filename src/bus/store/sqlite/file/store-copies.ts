import { backup, type DatabaseSync } from 'node:sqlite';
import { messageOf } from '../../../../base/user-facing-error.ts';
import type { CopiedPages, FromWorker } from '../store-commands.ts';
import { createPrivately } from './store-file.ts';

/** Small enough that a commit waits only some milliseconds for a step, and large enough to outpace the commits, so that the copy ends. */
const pagesPerStep = 1_024;

/**
 * Copies an open store to a new file. The copy has the store's state at its end: it includes commits of the same connection in between.
 * https://sqlite.org/backup.html
 * @throws Error, also any that `onProgress` throws, which stops the copy.
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

/**
 * The copies of the store that the worker makes while it continues with commands. Another thread copies the pages. If it finds the store in
 * a transaction, it fails or retries without end, so commands run only between two steps.
 */
export class StoreCopies {
  readonly #database: DatabaseSync;
  readonly #send: (message: FromWorker) => void;
  readonly #betweenSteps: () => void;
  #running: Promise<void> = Promise.resolve();
  #isStopping = false;
  #isStepping = false;

  constructor(database: DatabaseSync, send: (message: FromWorker) => void, betweenSteps: () => void) {
    this.#database = database;
    this.#send = send;
    this.#betweenSteps = betweenSteps;
  }

  /** True while the store must not be used. */
  get isStepping(): boolean {
    return this.#isStepping;
  }

  start(to: string): void {
    this.#isStepping = true;
    const copied = copyStore(this.#database, to, (pages) => {
      if (this.#isStopping) throw new Error('the bus stopped');
      this.#send({ kind: 'copying', ...pages });
      this.#pause();
      this.#isStepping = true;
    });
    this.#running = copied.then(
      () => this.#end(undefined),
      (error: unknown) => this.#end(messageOf(error)),
    );
  }

  #pause(): void {
    this.#isStepping = false;
    this.#betweenSteps();
  }

  #end(failure: string | undefined): void {
    this.#send({ kind: 'copied', failure });
    this.#pause();
  }

  /** Stops the copying: the file must not be closed during a copy. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }
}
