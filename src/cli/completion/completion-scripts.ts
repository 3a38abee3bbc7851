import type { CommandNode } from './command-tree.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

/** The script that a shell reads, for a program of this name. */
export const completionScript: Readonly<Record<Shell, (name: string, nodes: readonly CommandNode[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const functionOf = (name: string): string => `_${name.replaceAll('-', '_')}`;
const textsOf = ({ words }: CommandNode): string => words.map(({ text }) => text).join(' ');
const pathsOf = (nodes: readonly CommandNode[]): string[] => nodes.flatMap(({ path }) => (path === '' ? [] : [path]));

function bashScript(name: string, nodes: readonly CommandNode[]): string {
  const choices = nodes.flatMap(({ path, choices: all }) =>
    all.map(({ option, values }) => `    ${quoted(`${path} ${option}`)}) words=${quoted(values.join(' '))} ;;`),
  );
  return `# bash completion of ${name}
${functionOf(name)}() {
  local place='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$place/$word" in
      ${pathsOf(nodes).map(quoted).join(' | ')}) place=$place/$word ;;
    esac
  done
  case $place in
${nodes.map((node) => `    ${quoted(node.path)}) words=${quoted(textsOf(node))} ;;`).join('\n')}
  esac
  case "$place \${COMP_WORDS[COMP_CWORD-1]}" in
${choices.join('\n')}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F ${functionOf(name)} ${name}
`;
}

function zshScript(name: string, nodes: readonly CommandNode[]): string {
  const described = ({ words }: CommandNode): string =>
    words.map(({ text, description }) => quoted(`${text}:${description.replaceAll(':', '\\:')}`)).join(' ');
  const choices = nodes.flatMap(({ path, choices: all }) =>
    all.map(({ option, values }) => `    ${quoted(`${path} ${option}`)}) found=(${values.map(quoted).join(' ')}) ;;`),
  );
  return `#compdef ${name}
# zsh completion of ${name}
${functionOf(name)}() {
  local place='' word
  local -a found places
  places=(${pathsOf(nodes).map(quoted).join(' ')})
  for word in "\${(@)words[2,CURRENT-1]}"; do
    (( \${places[(Ie)$place/$word]} )) && place=$place/$word
  done
  case $place in
${nodes.map((node) => `    ${quoted(node.path)}) found=(${described(node)}) ;;`).join('\n')}
  esac
  case "$place \${words[CURRENT-1]}" in
${choices.join('\n')}
  esac
  _describe ${quoted(name)} found || _files
}
# Read as a file of a folder in fpath, it is the function; read by source, it defines it.
if [[ $funcstack[1] == ${functionOf(name)} ]]; then ${functionOf(name)} "$@"; else compdef ${functionOf(name)} ${name}; fi
`;
}

function fishScript(name: string, nodes: readonly CommandNode[]): string {
  const at = `_${functionOf(name)}_at`;
  const fishQuoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = nodes.flatMap(({ path, words, choices }) => [
    ...words.map(({ text, description }) => {
      const values = choices.find(({ option }) => option === text)?.values;
      const word = text.startsWith('--') ? `-l ${text.slice(2)}` : `-a ${fishQuoted(text)}`;
      const rest = values ? ` -x -a ${fishQuoted(values.join(' '))}` : '';
      return `complete -c ${name} -n ${fishQuoted(`${at} "${path}"`)} ${word}${rest} -d ${fishQuoted(description)}`;
    }),
  ]);
  return `# fish completion of ${name}
function ${at}
  set -l places ${pathsOf(nodes).map(fishQuoted).join(' ')}
  set -l place ''
  for word in (commandline -opc)[2..-1]
    if contains -- "$place/$word" $places
      set place "$place/$word"
    end
  end
  test "$place" = "$argv[1]"
end
${lines.join('\n')}
`;
}
