import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';

export type ProcessStream = 'stdout' | 'stderr';

export interface ProcessStart {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly onLine: (line: string, stream: ProcessStream) => void;
}

/** A running process, which leads its own process group. */
export interface RunningProcess {
  /** Resolves when the process itself ended; with 128 plus the signal's number when a signal ended it. */
  readonly exited: Promise<number>;
  /** Resolves when no process holds its output open. */
  readonly closed: Promise<void>;
  /** Sends SIGTERM to the process alone, as the platform does. */
  terminate(): void;
  /** Sends SIGKILL to the whole group. */
  killGroup(): void;
}

export type SpawnProcess = (start: ProcessStart) => RunningProcess;

/** Starts a process of this machine. `exited` rejects when it cannot be started. */
export const spawnProcess: SpawnProcess = ({ file, args, env, cwd, onLine }) => {
  const child = spawn(file, args, { env, cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  createInterface({ input: child.stdout }).on('line', (line) => onLine(line, 'stdout'));
  createInterface({ input: child.stderr }).on('line', (line) => onLine(line, 'stderr'));
  return {
    exited: new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(signal ? 128 + constants.signals[signal] : (code ?? 1)));
    }),
    closed: new Promise((resolve) => child.once('close', () => resolve())),
    terminate: () => void child.kill('SIGTERM'),
    killGroup() {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch (error) {
        // The whole group may have ended already.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    },
  };
};
