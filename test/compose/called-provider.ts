import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { silentLog } from '../../src/base/log/log.ts';
import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import { dockerThrough } from '../../src/compose/engine/docker.ts';
import { readHostFile } from '../../src/compose/invocation/host-files.ts';
import { parseInvocation } from '../../src/compose/invocation/invocation.ts';
import { errorTexts, Protocol } from '../../src/compose/invocation/protocol.ts';
import { runCommand } from '../../src/compose/run-command.ts';
import { StateFiles } from '../../src/compose/state/state-files.ts';
import { patternProblem } from '../../src/contract/wire/topics/topic.ts';
import { FakeEngine } from './fake-engine.ts';

export interface Message {
  readonly type: string;
  readonly message: string;
}

/** The provider in this process, with an engine that is not there; every call is one of Compose's. */
export class CalledProvider {
  readonly engine = new FakeEngine();
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'meridian-compose-'));
  readonly state = new StateFiles(this.#folder);
  /** What Compose answers on stdin. */
  readonly lines: string[] = [];

  /** @returns the messages, the last of which is an error when it failed. */
  async call(words: readonly string[], accepted?: string): Promise<Message[]> {
    const messages: Message[] = [];
    const write = (text: string): void => void messages.push(JSON.parse(text) as Message);
    const protocol = new Protocol({ write, accepted });
    try {
      await runCommand(
        {
          docker: dockerThrough((args, options) => this.engine.call(args, options?.signal)),
          state: this.state,
          scheduler: realScheduler,
          protocol,
          log: silentLog,
          readFile: readHostFile,
          checkPattern: patternProblem,
          readLine: async () => this.lines.shift(),
          contextDir: '.',
        },
        parseInvocation(words),
      );
    } catch (error) {
      protocol.error(...errorTexts(error, undefined));
    }
    return messages;
  }

  up(...options: readonly string[]): Promise<Message[]> {
    return this.call(['--project-name=shop', 'up', '--pool-type=OMSPool', ...options, 'sidecar']);
  }

  down(): Promise<Message[]> {
    return this.call(['--project-name=shop', 'down', 'sidecar']);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The messages of one type. */
export function told(messages: readonly Message[], type: string): string[] {
  return messages.filter((each) => each.type === type).map(({ message }) => message);
}
