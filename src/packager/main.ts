import path from 'node:path';
import { Command, CommanderError } from 'commander';
import { formatBytes } from '../base/bytes.ts';
import { exitCodeOf, renderError, UserFacingError } from '../base/user-facing-error.ts';
import { type Build, buildDist } from './build.ts';
import { type Weight, weigh, weightTable } from './bundle/weigh.ts';
import { packClient } from './client/client-package.ts';
import { packWheel } from './client/wheel.ts';
import type { MadePackage } from './made-package.ts';
import { makePackage } from './package.ts';

const root = path.resolve(import.meta.dirname, '../..');

const program = new Command('packager')
  .description('Builds dist/, and makes the buildpack zips of it.')
  .showHelpAfterError('Run the same command with --help for its options.')
  .exitOverride();

interface PackageFlags {
  readonly stack: string[];
  readonly uncached?: true;
  readonly out: string;
  readonly weigh: string | boolean;
  readonly json?: true;
}

program
  .command('build', { isDefault: true })
  .description('bundle the programs and prepare the runtime, in dist/')
  .action(async () => {
    console.log('Building dist/');
    for (const { path: file, bytes } of (await build()).bundles) console.log(`${file}  ${formatBytes(bytes)}`);
  });

program
  .command('package')
  .description('build, and make a zip for `cf create-buildpack` and the packages for plugins in Node and Python')
  .option('--stack <name...>', 'stacks, each with a zip of its own; `any` makes one for every stack', ['any'])
  .option('--uncached', 'leave the runtime out; staging downloads it')
  .option('--out <dir>', 'receives the packages', 'build')
  // By default enough runs for a median that one disturbed run does not change.
  .option('--weigh [times]', 'stage with each zip so often, and print what it costs; not with --uncached', false)
  .option('--json', 'print the result as JSON')
  .action(async (flags: PackageFlags) => {
    const tell = (step: string): void => {
      if (!flags.json) console.log(step);
    };
    tell('Building dist/');
    const { content } = await build();
    if (content === undefined) throw foreignSystem();
    const made: (MadePackage & { readonly weight?: Weight })[] = [];
    for (const stack of flags.stack) {
      tell(`Packing ${flags.uncached ? 'without' : 'with'} the runtime for stack ${stack}`);
      const one = await makePackage({ root, outDir: flags.out, content, stack, cached: !flags.uncached });
      made.push(
        flags.weigh && !flags.uncached
          ? { ...one, weight: await weigh(one.path, Number(flags.weigh === true ? 9 : flags.weigh)) }
          : one,
      );
    }
    const client = { root, outDir: flags.out, version: content.version };
    tell('Packing the clients for Node and Python');
    made.push(await packClient(client), await packWheel(client));
    console.log(flags.json ? JSON.stringify(made, undefined, 2) : made.map(describe).join('\n'));
  });

try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = report(error);
}

function build(): Promise<Build> {
  const epoch = process.env['SOURCE_DATE_EPOCH'];
  return buildDist({
    root,
    withRuntime: process.platform === 'linux' && process.arch === 'x64',
    ...(epoch !== undefined && /^\d+$/.test(epoch) && { sourceDateEpoch: Number(epoch) }),
  });
}

function describe({ path: file, sizeBytes, sha256, weight }: MadePackage & { readonly weight?: Weight }): string {
  const line = `${file}  ${formatBytes(sizeBytes)}  sha256:${sha256}`;
  return weight === undefined ? line : `${line}\n\n${weightTable(weight)}\n`;
}

function foreignSystem(): UserFacingError {
  return new UserFacingError({
    id: 'packager/package/foreign-system',
    found: `A package holds a runtime for Linux x64, which npm does not bring on ${process.platform} ${process.arch}`,
    next: ['Make the package on Linux x64.'],
  });
}

function report(error: unknown): number {
  // Commander has already printed its own message; it throws with exit code 0 for --help.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 64;
  console.error(renderError(error));
  return exitCodeOf(error);
}
