import { type ShellToken, shellTokens } from './shell-words.ts';

/** The `scripts` of package.json. */
export type Scripts = Readonly<Record<string, string>>;

type Shell = 'bash' | 'sh';

/** They replace themselves with the program that they start, so it gets their signals. */
const wrappers: readonly (readonly string[])[] = [
  ['env'],
  ['nice'],
  ['nohup'],
  ['bundle', 'exec'],
  ['poetry', 'run'],
  ['pipenv', 'run'],
];
const shells: Readonly<Record<string, Shell>> = { bash: 'bash', sh: 'sh', dash: 'sh', ash: 'sh' };
const compound: ReadonlySet<string> = new Set(['if', 'for', 'while', 'until', 'case', '{', '!', 'time']);
/** Commands that are not the app: the app is the command before them. */
const trivial: ReadonlySet<string> = new Set(['true', ':', 'echo', 'printf', 'exit', 'wait', 'sleep']);

/**
 * Why SIGTERM, sent to the process that the platform starts by `bash -c COMMAND`, does not reach the program of the command;
 * undefined when it does, as far as the command shows. Tried with bash 5.2, dash 0.5.12 and npm 11. Bash replaces itself with
 * the last simple command of its line unless that has a redirection. Dash does so only for `exec`. Npm forwards signals to the
 * shell in which it runs a script.
 */
export function signalLoss(command: string, scripts: Scripts = {}): string | undefined {
  return lossOf(command, 'bash', scripts);
}

function lossOf(command: string, shell: Shell, scripts: Scripts): string | undefined {
  const tokens = shellTokens(command);
  const operators = tokens.filter(({ isOperator }) => isOperator).map(({ text }) => text);
  const waits = `${shell} stays in front of the program, and ends without it`;
  if (operators.some((text) => ['|', '&', '('].includes(text))) return waits;
  const commands = simpleCommands(tokens);
  const last = commands.at(-1);
  if (!last) return undefined;
  if (commands.some(({ words }) => compound.has(words[0] ?? ''))) return waits;
  const isLastTheApp = last.after !== '||' && !(commands.length > 1 && trivial.has(last.words[0] ?? ''));
  const isExec = last.words[0] === 'exec';
  if (!isLastTheApp || (!isExec && (shell === 'sh' || last.isRedirected))) return waits;
  return lossInProgram(isExec ? last.words.slice(1) : last.words, scripts);
}

interface SimpleCommand {
  /** The operator before it. */
  readonly after: string;
  /** Without the variables that are set before them. */
  readonly words: readonly string[];
  readonly isRedirected: boolean;
}

function simpleCommands(tokens: readonly ShellToken[]): SimpleCommand[] {
  const commands: { after: string; words: string[]; isRedirected: boolean }[] = [];
  let current = { after: '', words: [] as string[], isRedirected: false };
  for (const { isOperator, text } of [...tokens, { isOperator: true, text: ';' }]) {
    if (!isOperator) current.words.push(text);
    else if (text === '>') current.isRedirected = true;
    else {
      if (current.words.length > 0) commands.push(current);
      current = { after: text, words: [], isRedirected: false };
    }
  }
  return commands.map((each) => ({ ...each, words: withoutAssignments(each.words) }));
}

function withoutAssignments(words: readonly string[]): readonly string[] {
  return words.slice(words.findIndex((word) => !/^\w+=/.test(word)));
}

/** The same for a program with its arguments, without a shell. */
export function lossInProgram(words: readonly string[], scripts: Scripts = {}): string | undefined {
  const [file = '', ...args] = words;
  const name = file.split('/').at(-1) ?? '';
  const wrapper = wrappers.find((each) => each.every((word, at) => (at === 0 ? name : words[at]) === word));
  if (wrapper) {
    const rest = words.slice(wrapper.length);
    return lossInProgram(withoutAssignments(rest.slice(rest.findIndex((word) => !word.startsWith('-')))), scripts);
  }
  if (name === 'npm') return lossInNpm(args, scripts);
  if (['npx', 'yarn', 'yarnpkg', 'pnpm', 'pnpx'].includes(name))
    return `${name} starts the program as its child, and may end without it`;
  const shell = shells[name];
  const at = args.findIndex((word) => /^-\w*c$/.test(word));
  return shell && at >= 0 ? lossOf(args[at + 1] ?? '', shell, scripts) : undefined;
}

/** Npm forwards SIGTERM to `sh`, which ends without its child unless the script says `exec`. */
function lossInNpm(args: readonly string[], scripts: Scripts): string | undefined {
  const [verb = '', named = ''] = args.filter((word) => !word.startsWith('-'));
  const script = scripts[['run', 'run-script', 'rum', 'urn'].includes(verb) ? named : verb];
  if (script !== undefined && lossOf(script, 'sh', scripts) === undefined) return undefined;
  return 'npm starts the program through sh, which ends without it';
}
