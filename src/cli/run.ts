import { spawn } from 'node:child_process';
import path from 'node:path';
import type { AddCommand } from './command.ts';

/** `meridian-sidecar run`: the sidecar, configured by the environment, in its own process without this program's code. */
export const addRunCommand: AddCommand = (program) => {
  program
    .command('run')
    .description('run the sidecar; all its settings come from the environment')
    .action(async () => {
      process.exitCode = await runSidecar(path.join(import.meta.dirname, 'sidecar.mjs'));
    });
};

/** Forwards signals and resolves with the exit code, as a shell would report it. */
function runSidecar(program: string): Promise<number> {
  const child = spawn(process.execPath, [program], { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === 'SIGKILL' ? 9 : 15)));
  });
}
