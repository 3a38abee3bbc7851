import { Command, CommanderError } from 'commander';
import { parseDurationMs } from '../../base/time/duration.ts';
import { realScheduler } from '../../base/time/real-scheduler.ts';
import { UserFacingError } from '../../base/user-facing-error.ts';
import { environmentOfCaller } from '../../buildpack/runtime-variables.ts';
import { type Docker, dockerThrough } from '../../compose/engine/docker.ts';
import { dockerCommand } from '../../compose/engine/docker-cli.ts';
import { buildImage, defaultImage } from '../../compose/image/image.ts';
import { readHostFile } from '../../compose/invocation/host-files.ts';
import { parseInvocation } from '../../compose/invocation/invocation.ts';
import { readServiceSettings } from '../../compose/invocation/service-settings.ts';
import { collectGarbage, overview } from '../../compose/lifecycle/forgotten.ts';
import { overviewTable } from '../../compose/overview-table.ts';
import { plainServices } from '../../compose/snippet.ts';
import { StateFiles } from '../../compose/state/state-files.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { patternProblem } from '../../contract/wire/topics/topic.ts';
import { usageExitCode } from '../command.ts';
import { printError } from '../output.ts';
import { dockerFolder, stateFolder } from './compose-folders.ts';
import { installProvider } from './compose-install.ts';

/** The sub-commands of `meridian-sidecar compose` for people. @returns the exit code. */
export async function runPeoplesCommand(argv: readonly string[]): Promise<number> {
  const program = new Command('meridian-sidecar compose')
    .description('The Compose provider. Compose itself calls up, down, stop and metadata.')
    .exitOverride();
  addOverview(program);
  addSnippet(program);
  addImage(program);
  addInstall(program);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    // Commander has already printed its own message; it throws with exit code 0 for --help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageExitCode;
    return printError(error);
  }
}

interface CollectFlags {
  readonly olderThan: string;
  readonly dryRun?: true;
  readonly json?: true;
}

function addOverview(program: Command): void {
  program
    .command('ps')
    .description('list the containers of the provider on this engine, with their plugins')
    .option('--json', 'as JSON')
    .action(async (flags: { readonly json?: true }) => {
      const rows = await overview({ docker: docker(), state: state() });
      print(flags.json ? JSON.stringify(rows, undefined, 2) : overviewTable(rows, process.stdout.columns));
    });
  program
    .command('gc')
    .description('remove what the provider left behind: everything of projects that have no other container')
    .argument('[projects...]', 'only of these projects')
    .option('--older-than <duration>', 'keep what was created since then', '10m')
    .option('--dry-run', 'only print what would be removed')
    .option('--json', 'as JSON')
    .action(async (projects: readonly string[], flags: CollectFlags) => {
      const removed = await collectGarbage({
        docker: docker(),
        state: state(),
        projects,
        wallTimeMs: Number(realScheduler.wallTimeNs() / 1_000_000n),
        minAgeMs: ageOf(flags.olderThan),
        isDryRun: flags.dryRun === true,
      });
      print(flags.json ? JSON.stringify(removed, undefined, 2) : removed.map((name) => `removed ${name}`).join('\n'));
    });
}

function addSnippet(program: Command): void {
  program
    .command('snippet')
    .description('print the services for a Compose file without the provider')
    .argument('<words...>', "the provider's options as --NAME=VALUE, then the name of the plugin's service")
    .allowUnknownOption()
    .helpOption('--help', 'display help for command')
    .action((words: readonly string[]) => {
      const invocation = parseInvocation(['up', '--project-name=project', '--env=false', ...words]);
      print(plainServices(readServiceSettings(invocation, { readFile: readHostFile, checkPattern: patternProblem })));
    });
}

function addImage(program: Command): void {
  program
    .command('image')
    .description('build the image that `up` builds when the engine has none')
    .option('--tag <name>', 'name of the image', defaultImage)
    .option('--base <image>', 'image that it is built on, with Node 24, a shell and bash')
    .action(async ({ tag, base }: { readonly tag: string; readonly base?: string }) => {
      const id = await buildImage({
        docker: docker(),
        image: tag,
        ...(base !== undefined && { base }),
        contextDir: import.meta.dirname,
        report: (text) => process.stderr.write(`${text}\n`),
      });
      print(`${tag} ${id}`);
    });
}

function addInstall(program: Command): void {
  program
    .command('install')
    .description('install the provider, with its own runtime, for every Docker Compose of this user')
    .option('--bin <dir>', 'also put the command meridian-sidecar into this folder')
    .action(({ bin }: { readonly bin?: string }) => {
      const { launchers, folder } = installProvider({
        dockerFolder: dockerFolder(process.env),
        programs: import.meta.dirname,
        runtime: process.execPath,
        ...(bin !== undefined && { binFolder: bin }),
      });
      print([...launchers, `with runtime and programs in ${folder}`].join('\n'));
    });
}

function docker(): Docker {
  return dockerThrough(dockerCommand(environmentOfCaller(process.env)));
}

function state(): StateFiles {
  return new StateFiles(stateFolder(process.env));
}

function print(text: string): void {
  if (text !== '') process.stdout.write(`${text}\n`);
}

function ageOf(text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined) return ms;
  throw new UserFacingError({
    id: 'compose/gc/age',
    found: `--older-than is "${text}", which is not a duration`,
    next: ['Write it as 0s, 10m or 2h.'],
    exitCode: exitCodes.usage,
  });
}
