import { Worker } from 'node:worker_threads';
import type { Scheduler } from '../../../base/time/scheduler.ts';
import { UserFacingError } from '../../../base/user-facing-error.ts';
import { RevisionConflictError, StaleEpochError, StoreFullError, TooManySubscriptionsError } from '../store.ts';
import { storeFault } from './file/store-fault.ts';
import {
  type Answer,
  type Command,
  type CommandArgs,
  type CommandName,
  type CommandResult,
  type CopiedPages,
  type FromWorker,
  type Refusal,
  type ToWorker,
  type WorkerOptions,
  waitingCommands,
} from './store-commands.ts';
import { growthOf } from './store-room.ts';

/** The bundler inserts the worker's own bundle, so that a program stays one file. Absent in the sources. */
declare const bundledSqliteWorker: string | undefined;

/** The most that shares one commit. It bounds the wait of the first command and the length of SQLite's log. */
const groupMax = { commands: 1_024, bytes: 2 * 1024 * 1024 } as const;

/** How long a command that waits for disk space waits before it is tried again. */
const tryAgainAfterMs = 1_000;

interface Waiting {
  readonly command: Command;
  readonly resolve: (done: unknown) => void;
  readonly reject: (error: Error) => void;
}

export interface StoreWorkerOptions {
  readonly scheduler: Scheduler;
  readonly onFailure: (error: UserFacingError) => void;
  /** The disk is full, or has space again. */
  readonly onDiskFull: (isFull: boolean) => void;
}

interface Copying {
  readonly onProgress: (pages: CopiedPages) => void;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * The bus's interface to the thread that has the file. One group of commands is in progress at a time. Those that arrive meanwhile are the
 * next group, so a busier store shares each commit among more commands.
 */
export class StoreWorker {
  readonly #worker: Worker;
  readonly #path: string;
  readonly #options: StoreWorkerOptions;
  readonly #exited: Promise<void>;
  #waiting: Waiting[] = [];
  #underWay: Waiting[] = [];
  /** Commands that wait for disk space. */
  #stalled: Waiting[] = [];
  #isDiskFull = false;
  #copying: Copying | undefined;
  #ended: Error | undefined;
  #idle: (() => void) | undefined;
  #commits = 0;

  private constructor(worker: Worker, path: string, options: StoreWorkerOptions) {
    this.#worker = worker;
    this.#path = path;
    this.#options = options;
    this.#exited = new Promise((resolve) => {
      worker.once('exit', (code) => {
        if (!this.#ended) this.#fail(storeFault(path, new Error(`its thread ended with ${code}`), true));
        resolve();
      });
    });
    worker.on('message', (message: FromWorker) => this.#receive(message));
    worker.on('error', (error) => this.#fail(storeFault(path, error, true)));
  }

  /** @throws UserFacingError `bus/store/…` if the file cannot be opened. */
  static async open(file: WorkerOptions, options: StoreWorkerOptions): Promise<StoreWorker> {
    const worker = new Worker(workerUrl(), { workerData: file, name: 'sqlite store' });
    const isDiskFull = await new Promise<boolean>((resolve, reject) => {
      worker.once('error', reject);
      worker.once('message', (message: FromWorker) => {
        worker.off('error', reject);
        if (message.kind === 'failed') reject(new UserFacingError(message.fault));
        else resolve(message.kind === 'opened' && message.isDiskFull);
      });
    });
    const opened = new StoreWorker(worker, file.path, options);
    opened.#diskIs(isDiskFull);
    return opened;
  }

  /** Transactions committed since the store was opened. */
  get commits(): number {
    return this.#commits;
  }

  /**
   * Resolves once the command's result is on the disk.
   * @throws StaleEpochError, RevisionConflictError, StoreFullError if the command is refused
   */
  call<Name extends CommandName>(name: Name, args: CommandArgs<Name>): Promise<CommandResult<Name>> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      // The name ties arguments and result together. The compiler cannot see that in a union.
      const command = { name, args } as Command;
      this.#waiting.push({ command, resolve: (done) => resolve(done as CommandResult<Name>), reject });
      // Deferred, so that commands of the same turn share the commit.
      if (this.#waiting.length === 1) queueMicrotask(() => this.#sendNext());
    });
  }

  /** Copies the store to a new file, in its state at the end of the copy. Commands continue. @throws Error saying why it could not. */
  copy(to: string, onProgress: (pages: CopiedPages) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      if (this.#copying) return reject(new Error('another copy of the store is being made'));
      this.#copying = { onProgress, resolve, reject };
      this.#send({ kind: 'copy', to });
    });
  }

  /** Finishes every earlier command, moves everything into the one file, and ends the thread. */
  async close(): Promise<void> {
    if (!this.#ended) {
      this.#ended = new Error(`the store ${this.#path} is closed`);
      // No disk space can become free for them any more.
      for (const { reject } of this.#stalled.splice(0)) reject(this.#ended);
      while (this.#waiting.length > 0 || this.#underWay.length > 0) {
        await new Promise<void>((resolve) => {
          this.#idle = resolve;
        });
      }
      this.#send({ kind: 'close' });
    }
    await this.#exited;
  }

  #sendNext(): void {
    if (this.#underWay.length > 0 || this.#waiting.length === 0) return;
    let bytes = 0;
    const over = this.#waiting.findIndex(({ command }, index) => {
      bytes += growthOf(command);
      return index === groupMax.commands || (index > 0 && bytes > groupMax.bytes);
    });
    this.#underWay = this.#waiting.splice(0, over === -1 ? this.#waiting.length : over);
    this.#send({ kind: 'commands', commands: this.#underWay.map(({ command }) => command) });
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromWorker): void {
    if (message.kind === 'failed') this.#fail(new UserFacingError(message.fault));
    if (message.kind === 'copying') this.#copying?.onProgress({ copied: message.copied, total: message.total });
    if (message.kind === 'copied') this.#copied(message.failure);
    if (message.kind !== 'answers') return;
    if (message.committed) this.#commits += 1;
    const answered = this.#underWay;
    this.#underWay = [];
    this.#diskIs(message.isDiskFull);
    for (const [index, waiting] of answered.entries()) {
      const answer = message.answers[index];
      if (!this.#ended && waitsForRoom(waiting, answer)) this.#stall(waiting);
      else settle(waiting, answer);
    }
    this.#sendNext();
    if (this.#underWay.length === 0) this.#idle?.();
  }

  /** In order of arrival, before later commands. */
  #stall(waiting: Waiting): void {
    this.#stalled.push(waiting);
    if (this.#stalled.length > 1) return;
    this.#options.scheduler.setTimer(tryAgainAfterMs, () => {
      this.#waiting.unshift(...this.#stalled.splice(0));
      this.#sendNext();
    });
  }

  #diskIs(isFull: boolean): void {
    if (isFull === this.#isDiskFull) return;
    this.#isDiskFull = isFull;
    this.#options.onDiskFull(isFull);
  }

  #copied(failure: string | undefined): void {
    if (failure === undefined) this.#copying?.resolve();
    else this.#copyFailed(new Error(failure));
    this.#copying = undefined;
  }

  #copyFailed(error: Error): void {
    this.#copying?.reject(error);
    this.#copying = undefined;
  }

  #fail(error: UserFacingError): void {
    this.#ended = error;
    // Before the calls fail, so that the program ends with this reason and not with that of the first call.
    this.#options.onFailure(error);
    for (const { reject } of [...this.#underWay, ...this.#stalled, ...this.#waiting]) reject(error);
    this.#underWay = [];
    this.#stalled = [];
    this.#waiting = [];
    this.#copyFailed(error);
    this.#idle?.();
  }
}

function workerUrl(): URL {
  return typeof bundledSqliteWorker === 'string'
    ? new URL(`data:text/javascript,${encodeURIComponent(bundledSqliteWorker)}`)
    : new URL('./worker.ts', import.meta.url);
}

function waitsForRoom({ command }: Waiting, answer: Answer | undefined): boolean {
  const isFull = answer !== undefined && 'refused' in answer && answer.refused.kind === 'full';
  return isFull && waitingCommands.has(command.name);
}

function settle({ resolve, reject }: Waiting, answer: Answer | undefined): void {
  if (answer && 'done' in answer) resolve(answer.done);
  else reject(errorOf(answer?.refused ?? { kind: 'failed', reason: 'the store gave no answer' }));
}

function errorOf(refusal: Refusal): Error {
  switch (refusal.kind) {
    case 'staleEpoch':
      return new StaleEpochError(refusal.owner);
    case 'revisionConflict':
      return new RevisionConflictError(refusal);
    case 'tooManySubscriptions':
      return new TooManySubscriptionsError(refusal);
    case 'full':
      return new StoreFullError(refusal.reason);
    case 'failed':
      return new Error(`the store refused a command: ${refusal.reason}`);
  }
}
