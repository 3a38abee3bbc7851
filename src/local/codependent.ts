import { aborted } from '../base/async/aborted.ts';
import { within } from '../base/async/within.ts';
import type { Scheduler } from '../base/time/scheduler.ts';
import type { ProcessStart, ProcessStream, RunningProcess, SpawnProcess } from './process-spawner.ts';

export interface CodependentProcess {
  /** Where its log lines come from, such as `APP/PROC/WEB/0`. */
  readonly logSource: string;
  readonly start: Omit<ProcessStart, 'onLine'>;
}

export interface CodependentOptions {
  readonly processes: readonly CodependentProcess[];
  readonly spawn: SpawnProcess;
  readonly scheduler: Scheduler;
  /** From SIGTERM to SIGKILL, in milliseconds. */
  readonly killDelayMs: number;
  /** Aborts when the instance is to stop. */
  readonly stop: AbortSignal;
  readonly onLine: (line: string, logSource: string, stream: ProcessStream) => void;
}

/** Output that a stray descendant still holds after SIGKILL is waited for no longer than this. */
const outputTimeoutMs = 1_000;

/**
 * Runs processes as one instance: all start together, and the first to end, whatever its exit code, ends the others
 * by SIGTERM, then SIGKILL. Resolves when all are gone, with the exit code of the first that ended.
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

/** The platform destroys the container; here whatever is left of each process group goes. */
async function clearAway(running: readonly RunningProcess[], scheduler: Scheduler): Promise<void> {
  for (const child of running) child.killGroup();
  await within(scheduler, outputTimeoutMs, Promise.allSettled(running.map(({ closed }) => closed)));
}
