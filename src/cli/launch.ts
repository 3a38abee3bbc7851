import { realScheduler } from '../base/time/real-scheduler.ts';
import { launch } from '../local/launch.ts';
import { type AddCommand, collect, environmentOf } from './command.ts';

interface LaunchFlags {
  readonly process: string;
  readonly env: readonly string[];
}

/** The platform's delay from SIGTERM to SIGKILL. */
const killDelayMs = 10_000;

export const addLaunchCommand: AddCommand = (program) => {
  program
    .command('launch')
    .description(
      'run a staged process and its sidecars as one instance; ends with the exit code of the first that ends',
    )
    .argument('<dir>', 'the folder that stage was given as --out')
    .option('-p, --process <type>', 'process type', 'web')
    .option('-e, --env <key=value>', 'variable for the processes; wins over manifest.yml', collect, [])
    .action(async (stagedDir: string, flags: LaunchFlags) => {
      const stop = new AbortController();
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
      process.exitCode = await launch({
        stagedDir,
        processType: flags.process,
        env: environmentOf(flags.env),
        scheduler: realScheduler,
        killDelayMs,
        stop: stop.signal,
        onLine: (line, logSource, stream) => process[stream].write(`[${logSource}] ${line}\n`),
      });
    });
};
