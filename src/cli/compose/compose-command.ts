import type { AddCommand } from '../command.ts';
import { runCompose } from '../compose.ts';

/** `meridian-sidecar compose`: the provider itself reads its arguments, since Compose defines them. */
export const addComposeCommand: AddCommand = (program) => {
  program
    .command('compose')
    .description('the Compose provider, which Docker Compose calls; `compose --help` shows the commands for people')
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(async () => {
      process.exitCode = await runCompose(process.argv.slice(process.argv.indexOf('compose') + 1));
    });
};
