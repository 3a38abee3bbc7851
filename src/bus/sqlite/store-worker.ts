import { Worker } from 'node:worker_threads';
import { UserFacingError } from '../../base/user-facing-error.ts';
import { RevisionConflictError, StaleEpochError, StoreFullError } from '../store.ts';
import { storeFault } from './file/store-fault.ts';
import type {
  Answer,
  Command,
  CommandArgs,
  CommandName,
  CommandResult,
  FromWorker,
  Refusal,
  ToWorker,
  WorkerOptions,
} from './store-commands.ts';

/** Put in place by the bundler: the worker's own bundle, so that a program stays one file. Absent in the sources. */
declare const bundledSqliteWorker: string | undefined;

/** The most commands that share one commit, which bounds how long the first of them waits. */
const groupCommandsMax = 1_024;

interface Waiting {
  readonly command: Command;
  readonly resolve: (done: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The bus's side of the thread that has the file. One group of commands is under way at a time; those that come
 * meanwhile are the next group, so that commits are shared the more, the busier the store is.
 */
export class StoreWorker {
  readonly #worker: Worker;
  readonly #path: string;
  readonly #onFailure: (error: UserFacingError) => void;
  readonly #exited: Promise<void>;
  #waiting: Waiting[] = [];
  #underWay: Waiting[] = [];
  #ended: Error | undefined;
  #idle: (() => void) | undefined;
  #commits = 0;

  private constructor(worker: Worker, path: string, onFailure: (error: UserFacingError) => void) {
    this.#worker = worker;
    this.#path = path;
    this.#onFailure = onFailure;
    this.#exited = new Promise((resolve) => {
      worker.once('exit', (code) => {
        if (!this.#ended) this.#fail(storeFault(path, new Error(`its thread ended with ${code}`), true));
        resolve();
      });
    });
    worker.on('message', (message: FromWorker) => this.#receive(message));
    worker.on('error', (error) => this.#fail(storeFault(path, error, true)));
  }

  /** @throws UserFacingError `bus/store/…` when the file cannot be opened. */
  static async open(options: WorkerOptions, onFailure: (error: UserFacingError) => void): Promise<StoreWorker> {
    const worker = new Worker(workerUrl(), { workerData: options, name: 'sqlite store' });
    await new Promise<void>((resolve, reject) => {
      worker.once('error', reject);
      worker.once('message', (message: FromWorker) => {
        worker.off('error', reject);
        if (message.kind === 'failed') reject(new UserFacingError(message.fault));
        else resolve();
      });
    });
    return new StoreWorker(worker, options.path, onFailure);
  }

  /** How many transactions were committed since the store was opened. */
  get commits(): number {
    return this.#commits;
  }

  /**
   * Resolves when what the command did is on the disk.
   * @throws StaleEpochError, RevisionConflictError, StoreFullError when the command is refused
   */
  call<Name extends CommandName>(name: Name, args: CommandArgs<Name>): Promise<CommandResult<Name>> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      // The name ties arguments and result together, which the compiler cannot see in a union.
      const command = { name, args } as Command;
      this.#waiting.push({ command, resolve: (done) => resolve(done as CommandResult<Name>), reject });
      // Not at once: what is asked for in the same turn shares the commit.
      if (this.#waiting.length === 1) queueMicrotask(() => this.#sendNext());
    });
  }

  /** Lets every command so far finish, writes everything into the one file, and ends the thread. */
  async close(): Promise<void> {
    if (!this.#ended) {
      this.#ended = new Error(`the store ${this.#path} is closed`);
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
    this.#underWay = this.#waiting.slice(0, groupCommandsMax);
    this.#waiting = this.#waiting.slice(groupCommandsMax);
    this.#send({ kind: 'commands', commands: this.#underWay.map(({ command }) => command) });
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromWorker): void {
    if (message.kind === 'failed') this.#fail(new UserFacingError(message.fault));
    if (message.kind !== 'answers') return;
    if (message.committed) this.#commits += 1;
    const answered = this.#underWay;
    this.#underWay = [];
    for (const [index, waiting] of answered.entries()) settle(waiting, message.answers[index]);
    this.#sendNext();
    if (this.#underWay.length === 0) this.#idle?.();
  }

  #fail(error: UserFacingError): void {
    this.#ended = error;
    // Before the calls fail, so that the program can end with this reason and not with the first of theirs.
    this.#onFailure(error);
    for (const { reject } of [...this.#underWay, ...this.#waiting]) reject(error);
    this.#underWay = [];
    this.#waiting = [];
    this.#idle?.();
  }
}

function workerUrl(): URL {
  return typeof bundledSqliteWorker === 'string'
    ? new URL(`data:text/javascript,${encodeURIComponent(bundledSqliteWorker)}`)
    : new URL('./worker.ts', import.meta.url);
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
    case 'full':
      return new StoreFullError(refusal.reason);
    case 'failed':
      return new Error(`the store refused a command: ${refusal.reason}`);
  }
}
