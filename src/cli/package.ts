import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { UserFacingError } from '../base/user-facing-error.ts';
import { type AddCommand, usageExitCode } from './command.ts';

const helpOptions: ReadonlySet<string> = new Set(['-h', '--help']);

/** `meridian-sidecar package`: runs the packager of the checkout in the current folder; a package contains no packager. */
export const addPackageCommand: AddCommand = (program) => {
  program
    .command('package')
    .description('make the buildpack zips, in a checkout of the buildpack; options as in `npm run package`')
    .argument('[options...]')
    .allowUnknownOption()
    .helpOption(false)
    .addHelpText('after', '\nIt works in a checkout alone. There, --help lists the options.')
    .action(async (options: readonly string[], _: unknown, command: Command) => {
      const packager = path.resolve('src/packager/main.ts');
      if (!existsSync(packager) && options.some((option) => helpOptions.has(option))) return command.outputHelp();
      if (!existsSync(packager)) throw notInCheckout();
      const child = spawn(process.execPath, [packager, 'package', ...options], { stdio: 'inherit' });
      const [code] = (await once(child, 'exit')) as [number | null];
      process.exitCode = code ?? 1;
    });
};

function notInCheckout(): UserFacingError {
  return new UserFacingError({
    id: 'cli/package/no-checkout',
    found: 'The current directory is not a checkout of the buildpack: src/packager is not in it',
    next: ['Change to the root of a checkout, and run `npm ci` there first.'],
    exitCode: usageExitCode,
  });
}
