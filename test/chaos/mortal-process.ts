import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

export interface MortalProcessOptions {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Everything it and its successors print, appended. */
  readonly logFile: string;
  /** It ended although nobody asked for that. */
  readonly onOwnEnd: (how: string) => void;
}

/** A program that is started again after it was killed, each time with the same arguments. */
export class MortalProcess {
  readonly options: MortalProcessOptions;
  #child: ChildProcess | undefined;
  #exited: Promise<string> = Promise.resolve('not started');

  constructor(options: MortalProcessOptions) {
    this.options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    const { args, environment, logFile, onOwnEnd } = this.options;
    const log = openSync(logFile, 'a');
    const child = spawn(process.execPath, args, { env: environment, stdio: ['ignore', log, log] });
    closeSync(log);
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        const how = `${code ?? signal}`;
        if (this.#child === child) {
          this.#child = undefined;
          onOwnEnd(how);
        }
        resolve(how);
      });
    });
  }

  /** Ends it with kill -9; resolves when it is gone. */
  kill(): Promise<string> {
    return this.#end('SIGKILL');
  }

  /** Asks it to stop; resolves with its exit code, or the signal that ended it. */
  stop(): Promise<string> {
    return this.#end('SIGTERM');
  }

  #end(signal: NodeJS.Signals): Promise<string> {
    const child = this.#child;
    this.#child = undefined;
    child?.kill(signal);
    return this.#exited;
  }
}
