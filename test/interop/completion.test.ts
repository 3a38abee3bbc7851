import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const cli = path.resolve(import.meta.dirname, '../../dist/cli.mjs');
const folder = mkdtempSync(path.join(tmpdir(), 'meridian-completion-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const scriptOf = (shell: string): string => path.join(folder, `completion.${shell}`);
beforeAll(() => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    writeFileSync(scriptOf(shell), execFileSync(process.execPath, [cli, 'completion', shell]));
  }
});

/** What the shell offers for a line that ends in the last word, which may be empty: the words alone. */
const offers: Readonly<Record<string, (words: readonly string[]) => string[]>> = {
  bash: (words) =>
    linesOf('bash', [
      '--norc',
      '-c',
      `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _meridian_sidecar; printf "%s\\n" "\${COMPREPLY[@]}"`,
      scriptOf('bash'),
      ...words,
    ]),
  // The function of the real completion system would draw a menu; this one prints what it is given.
  zsh: (words) =>
    linesOf('zsh', [
      '-f',
      '-c',
      `compdef() {}; _describe() { print -l -- \${(M)\${(P)2}:#\${words[CURRENT]}*} }; _files() {}; source "$0"; words=("$@"); CURRENT=$#; _meridian_sidecar`,
      scriptOf('zsh'),
      ...words,
    ]).map((line) => line.replace(/:.*/, '')),
  fish: (words) =>
    linesOf('fish', ['--no-config', '-c', `source ${scriptOf('fish')}; complete -C '${words.join(' ')}'`])
      .map((line) => line.replace(/\t.*/, ''))
      // Beside the words of a command fish offers files, which a command may take.
      .filter((word) => !/[/.]|^[A-Z]+$/.test(word)),
};

function linesOf(shell: string, args: readonly string[]): string[] {
  const output = execFileSync(shell, args, { encoding: 'utf8', cwd: folder });
  return output
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

const name = 'meridian-sidecar';

describe.each(Object.keys(offers))('%s', (shell) => {
  const offered = (...words: readonly string[]): string[] => offers[shell]?.([name, ...words]) ?? [];

  test('completes commands, those below them, and options', () => {
    expect(offered('st')).toEqual(['stage', 'status']);
    expect(offered('bus', 'gr')).toEqual(['grants']);
    expect(offered('bus', 'grants', 'a')).toEqual(['approve']);
    expect(offered('run', '--w')).toEqual(['--watch']);
    expect(offered('bus', '--store', 'memory', '--lis')).toEqual(['--listen']);
  });

  test('completes the values of an option that has some', () => {
    expect(offered('init', '--language', '')).toEqual(['javascript', 'python', 'typescript']);
  });

  test('offers nothing of another command', () => {
    expect(offered('stage', '--w')).toEqual([]);
  });
});
