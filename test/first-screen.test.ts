import { type ChildProcess, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runInShell, type ShellLines, signalShell } from './shell-lines.ts';

const root = path.resolve(import.meta.dirname, '..');
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
const blocks = (kind: string): string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${kind} first-screen\\n(.*?)^\`\`\``, 'gms'))].map(([, block = '']) => block);
const [first = '', second = '', third = ''] = blocks('sh');
const [printed = ''] = blocks('text');

const folder = mkdtempSync(path.join(tmpdir(), 'first-screen-'));
const clone = path.join(folder, 'clone');
const terminals: ChildProcess[] = [];

beforeAll(() => {
  // What a clone of this checkout would hold.
  const options = { cwd: root, encoding: 'utf8' } as const;
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], options).split('\0');
  for (const file of files) {
    if (file !== '' && existsSync(path.join(root, file))) cpSync(path.join(root, file), path.join(clone, file));
  }
});
afterAll(async () => {
  for (const terminal of terminals) await signalShell(terminal, 'SIGINT');
  rmSync(folder, { recursive: true, force: true });
});

/** A stranger's environment: without this checkout's programs. Others may have the usual ports, so the sidecar takes a free one. */
function environment(): NodeJS.ProcessEnv {
  const ours = Object.entries(process.env).filter(
    ([name]) => !/^(?:npm_(?!config)|VITEST|NODE_(?:ENV|OPTIONS))/i.test(name),
  );
  const own = process.env['PATH']?.split(':').filter((each) => !each.startsWith(root));
  // Neither is on the screen, and both ask services that a machine of CI may not reach.
  const quiet = { npm_config_audit: 'false', npm_config_fund: 'false', PIP_DISABLE_PIP_VERSION_CHECK: '1' };
  return { ...Object.fromEntries(ours), ...quiet, PATH: own?.join(':'), SIDECAR_ADDR: '127.0.0.1:0' };
}

/** Runs lines as they are typed into a terminal. */
function terminal(cwd: string, lines: string): ShellLines {
  const shell = runInShell(lines, { cwd, env: environment() });
  terminals.push(shell.child);
  return shell;
}

test('the first screen of the README takes a stranger from a clone to a plugin that talks, in TypeScript and in Python', async () => {
  const inTypeScript = terminal(clone, first);
  for (const text of printed.trim().split('\n')) {
    const expected = text
      .replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
      .replaceAll(/127\\\.0\\\.0\\\.1:\d+/g, String.raw`127\.0\.0\.1:\d+`);
    await inTypeScript.line(new RegExp(`^${expected}$`));
  }
  const [, bus = ''] = await inTypeScript.line(/^run {5}\| bus: (127\.0\.0\.1:\d+), open/);
  const shell = terminal(clone, second.replace('127.0.0.1:8443', bus));
  expect(await shell.exit, shell.lines.join('\n')).toBe(0);
  expect(shell.lines.at(-1)).toBe('1');
  await inTypeScript.line(/^plugin {2}\| shell-\S+: hello from a shell$/);
  await signalShell(inTypeScript.child, 'SIGINT');

  const [, exported = ''] = /^(export PATH=.*)$/m.exec(first) ?? [];
  const inPython = terminal(clone, `${exported}\ncd ../quotes\n${third}`);
  await inPython.line(/^plugin {2}\| ticks-0: hello, start 1$/);
  await signalShell(inPython.child, 'SIGINT');
});
