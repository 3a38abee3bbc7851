import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { engineDir } from '../../compose/engine/engine-host.ts';

export interface Question {
  readonly by: 'http' | 'grpc' | 'tcp';
  readonly host: string;
  readonly port: number;
  readonly path?: string;
  readonly timeoutMs: number;
}

export interface Answer {
  readonly isGood: boolean;
  readonly text: string;
}

/** Asks pods by their addresses, from the network of the engine, which is the node here. */
export class Prober {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;

  constructor() {
    const enginePid = readFileSync(path.join(engineDir, 'pid'), 'utf8').trim();
    const program = path.join(import.meta.dirname, 'node-prober.ts');
    const command = ['--target', enginePid, '--net', process.execPath, program];
    this.#child = spawn('nsenter', command, { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const { id, ...answer } = JSON.parse(line) as Answer & { readonly id: number };
      this.#waiting.get(id)?.(answer);
      this.#waiting.delete(id);
    });
  }

  ask(question: Question): Promise<Answer> {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#child.stdin?.write(`${JSON.stringify({ id, ...question })}\n`);
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill();
    await ended;
  }
}
