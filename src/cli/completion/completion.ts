import { Argument } from 'commander';
import type { AddCommand } from '../command.ts';
import { commandTree } from './command-tree.ts';
import { completionScript, type Shell } from './completion-scripts.ts';

/** `meridian-sidecar completion SHELL`: a script that lets the shell complete commands and options. */
export const addCompletionCommand: AddCommand = (program) => {
  program
    .command('completion')
    .description('print a script with which a shell completes commands and options')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(completionScript)))
    .addHelpText(
      'after',
      `
bash:  source <(meridian-sidecar completion bash)
zsh:   source <(meridian-sidecar completion zsh)    # after compinit
fish:  meridian-sidecar completion fish | source`,
    )
    .action((shell: Shell) => {
      process.stdout.write(completionScript[shell](program.name(), commandTree(program)));
    });
};
