import { aborted } from '../base/async/aborted.ts';
import { within } from '../base/async/within.ts';
import type { Scheduler } from '../base/time/scheduler.ts';
import type { ProcessStart, ProcessStream, RunningProcess, SpawnProcess } from './process-spawner.ts';

export interface CodependentProcess {
  /** The source of its log lines, such as `APP/PROC/WEB/0`. */
  readonly logSource: string;
  readonly start: Omit<ProcessStart, 'onLine'>;
}

export interface CodependentOptions {
  readonly processes: readonly CodependentProcess[];
  readonly spawn: SpawnProcess;
  readonly scheduler: Scheduler;
  /** From SIGTERM to SIGKILL. */
  readonly killDelayMs: number;
  /** Aborts when the instance is to stop. */
  readonly stop: AbortSignal;
  readonly onLine: (line: string, logSource: string, stream: ProcessStream) => void;
}

/** The longest wait for output that a stray descendant still holds open after SIGKILL. */
const outputTimeoutMs = 1_000;

/**
 * Runs processes as one instance. All start together. When the first ends, whatever its exit code, the others get SIGTERM, then
 * SIGKILL. Resolves when all have ended, with the exit code of the first.
 */
export async function runCodependent(options: CodependentOptions): Promise<number> {
  const { processes, spawn, scheduler, killDelayMs, stop, onLine } = options;
  const running = processes.map(({ logSource, start }) => {
    const child = spawn({ ...start, onLine: (line, stream) => onLine(line, logSource, stream) });
    const exited = child.exited.then((code) => {
      onLine(`Exit status ${code}`, logSource, 'stdout');
      return code;
    });
    return { ...child, exited };
  });
  const first = Promise.race(running.map(({ exited }) => exited));
  const all = Promise.allSettled(running.map(({ exited }) => exited));
  await Promise.race([first.catch(() => undefined), aborted(stop)]);
  for (const child of running) child.terminate();
  await within(scheduler, killDelayMs, all);
  await clearAway(running, scheduler);
  await all;
  return await first;
}

/** The platform destroys the container; on one machine each process group is killed. */
async function clearAway(running: readonly RunningProcess[], scheduler: Scheduler): Promise<void> {
  for (const child of running) child.killGroup();
  await within(scheduler, outputTimeoutMs, Promise.allSettled(running.map(({ closed }) => closed)));
}
