import type { Command } from 'commander';

/** One command, as completion needs it. */
export interface CommandNode {
  /** `/bus/grants`, or '' for the program itself. */
  readonly path: string;
  readonly words: readonly CompletedWord[];
  /** What may follow an option that takes one of some values. */
  readonly choices: readonly { readonly option: string; readonly values: readonly string[] }[];
}

export interface CompletedWord {
  readonly text: string;
  readonly description: string;
}

/** All commands below this one, itself first. Hidden ones are left out. */
export function commandTree(command: Command, path = ''): CommandNode[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command).filter((each) => each.name() !== 'help');
  const options = help.visibleOptions(command);
  const node: CommandNode = {
    path,
    words: [
      ...commands.map((each) => ({ text: each.name(), description: firstSentence(each.description()) })),
      ...options.flatMap(({ long, description }) =>
        long ? [{ text: long, description: firstSentence(description) }] : [],
      ),
    ],
    choices: options.flatMap(({ short, long, argChoices: values }) =>
      values ? [short, long].flatMap((option) => (option ? [{ option, values }] : [])) : [],
    ),
  };
  return [node, ...commands.flatMap((each) => commandTree(each, `${path}/${each.name()}`))];
}

/** A line of a menu has room for that. */
function firstSentence(description: string): string {
  return (description.split(/[;\n]/, 1)[0] ?? '').trim();
}
