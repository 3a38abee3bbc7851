import { backup, type DatabaseSync } from 'node:sqlite';
import { messageOf } from '../../../../base/user-facing-error.ts';
import type { CopiedPages, FromWorker } from '../store-commands.ts';
import { createPrivately } from './store-file.ts';

/** So few that a commit waits some milliseconds for the end of a step, and more than one commit writes, so that the copy ends. */
const pagesPerStep = 1_024;

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

/**
 * The copies of the store that the worker makes while it goes on with commands. Another thread copies the pages, and one that
 * finds the store in a transaction fails, or tries again without end. So commands are done only between two steps.
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

  /** Whether the store may not be touched at this moment. */
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

  /** The file must not be closed while it is copied. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }
}
