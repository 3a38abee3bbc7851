import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { messageOf, UserFacingError } from '../../base/user-facing-error.ts';
import { environmentOfCaller } from '../../buildpack/runtime-variables.ts';
import type { RunningPlugin, StartPlugin } from '../../conformance/running-plugin.ts';
import { usageExitCode } from '../command.ts';

/** The processes of one command. Each leads a process group, so that its own child processes get its signals too. */
export class CommandProcesses {
  readonly #command: readonly string[];
  readonly #running = new Set<ChildProcess>();

  constructor(command: readonly string[]) {
    this.#command = command;
  }

  /** Starts the command once. @throws UserFacingError when it cannot be started. */
  readonly start: StartPlugin = async ({ environment, onLine }): Promise<RunningPlugin> => {
    const [file = '', ...args] = this.#command;
    const env = { ...environmentOfCaller(process.env), ...environment };
    const child = spawn(file, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    try {
      await once(child, 'spawn');
    } catch (error) {
      throw cannotStart(file, error);
    }
    this.#running.add(child);
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', onLine);
    const ended = once(child, 'exit').then(([code, signal]: unknown[]) => {
      this.#running.delete(child);
      return {
        code: typeof code === 'number' ? code : undefined,
        signal: typeof signal === 'string' ? signal : undefined,
      };
    });
    return { ended, signalGroup: (signal) => signalGroup(child, signal) };
  };

  /** Kills every running process, with its child processes. */
  killAll(): void {
    for (const child of this.#running) signalGroup(child, 'SIGKILL');
  }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // The whole group may have ended already.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function cannotStart(file: string, error: unknown): UserFacingError {
  return new UserFacingError({
    id: 'conformance/command/not-started',
    found: `the plugin's command ${file} cannot be started: ${messageOf(error)}`,
    next: ['Write the command that starts the plugin after `--`, as on your own command line.'],
    exitCode: usageExitCode,
  });
}
