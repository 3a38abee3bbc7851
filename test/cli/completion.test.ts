import { expect, test } from 'vitest';
import { runCli } from '../sidecar/processes.ts';

async function outputOf(...args: readonly string[]): Promise<string> {
  const program = runCli(...args);
  expect([await program.exited, program.stderr]).toEqual([0, '']);
  return program.stdout;
}

/** The commands or options that the help of a command lists. */
const listed = (help: string, section: string): string[] =>
  [
    ...(new RegExp(`^${section}:\n((?: .*\n)+)`, 'm').exec(help)?.[1] ?? '').matchAll(
      /^ {2}(?:-\w, )?(--[\w-]+|[\w-]+)/gm,
    ),
  ]
    .map(([, word = '']) => word)
    .filter((word) => word !== 'help');

test.each(['bash', 'zsh', 'fish'])(
  'the script for %s has every command and option that the help shows',
  async (shell) => {
    const script = await outputOf('completion', shell);
    // These two are programs of their own.
    const commands = listed(await outputOf('--help'), 'Commands').filter(
      (command) => !['compose', 'package'].includes(command),
    );
    expect(commands.length).toBeGreaterThan(10);
    for (const command of commands) {
      const help = await outputOf(command, '--help');
      const words = [
        ...listed(help, 'Commands'),
        ...listed(help, 'Options').map((option) => option.replace(/^--/, '')),
      ];
      for (const word of [command, ...words]) expect(script).toMatch(new RegExp(`(?<![\\w])${word}(?![\\w-])`));
    }
  },
);

test('a shell that it does not know is refused with those that it does', async () => {
  const program = runCli('completion', 'tcsh');
  expect(await program.exited).toBe(64);
  expect(program.stderr).toContain('Allowed choices are bash, zsh, fish');
});
