import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';
import { type AddCommand, usageExitCode } from '../command.ts';
import { type DevFlags, runBesideSidecar } from './dev-command.ts';

/**
 * `meridian-sidecar run`: the sidecar, configured by the environment, in its own process without this program's code. With a command it
 * starts that as the plugin.
 */
export const addRunCommand: AddCommand = (program) => {
  const command = program
    .command('run')
    .description('run the sidecar; with a command after --, run that beside it as its plugin')
    .argument('[command...]', 'program of the plugin, with its arguments')
    .option('--dev-bus', 'start a bus, too, which keeps everything in memory')
    .option('--bus-store <file>', 'SQLite file in which that bus keeps everything')
    .option('--policy <file>', 'policy of that bus; without it everybody on this machine may do everything')
    .option('--watch', 'start the plugin again when a file of this folder changes; sidecar and bus stay')
    .option('--verbose', 'also show what sidecar and bus log as information')
    .addHelpText('after', `\nExample: meridian-sidecar run --dev-bus --watch -- node plugin.js`)
    .action(async ([file, ...args]: readonly string[], flags: DevFlags) => {
      if (file !== undefined) process.exitCode = await runBesideSidecar(file, args, flags);
      else if (Object.keys(flags).length > 0) {
        command.error('error: these options need a command: write it after --, as in run --dev-bus -- node plugin.js', {
          exitCode: usageExitCode,
        });
      } else process.exitCode = await runSidecar(path.join(import.meta.dirname, 'sidecar.mjs'));
    });
};

/** Forwards signals and resolves with the exit code, as a shell would report it. */
function runSidecar(program: string): Promise<number> {
  const child = spawn(process.execPath, [program], { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal ? 128 + constants.signals[signal] : (code ?? 1)));
  });
}
