import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { connectPlugin } from '../sidecar/plugins.ts';
import { endAll, Program, runCli, startSidecar } from '../sidecar/processes.ts';

afterEach(endAll);

const dist = path.resolve(import.meta.dirname, '../../dist');

interface Screen {
  readonly code: number | string | null;
  /** Without the sequences for colours. */
  readonly lines: readonly string[];
  /** As the program wrote it. */
  readonly written: string;
}

/** Runs a command at a terminal of 80 columns. */
async function atTerminal(...args: readonly string[]): Promise<Screen> {
  const quoted = [process.execPath, path.join(dist, 'cli.mjs'), ...args].map((each) => `'${each}'`).join(' ');
  const command = ['-qefc', `stty cols 80; exec ${quoted}`, '/dev/null'];
  const program = new Program(command, { PATH: process.env.PATH ?? '', TERM: 'xterm' }, '/usr/bin/script');
  const code = await program.exited;
  const lines = stripVTControlCharacters(program.stdout).replaceAll('\r', '').trimEnd().split('\n');
  return { code, lines, written: program.stdout };
}

function expectFits({ lines }: Screen): void {
  expect(lines.filter(({ length }) => length > 80)).toEqual([]);
}

/** The names of the commands that a help lists. */
function commandsIn(help: string): string[] {
  const [, list = ''] = /^Commands:\n((?: {2}.*\n)+)/m.exec(help) ?? [];
  return [...list.matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help');
}

test('the help of every command fits a terminal of 80 columns', async () => {
  const wide: string[] = [];
  const commands: string[][] = [[]];
  for (const command of commands) {
    const program = runCli(...command, '--help');
    await program.exited;
    const lines = program.output.split('\n');
    wide.push(...lines.filter(({ length }) => length > 80).map((line) => `${command.join(' ')}: ${line}`));
    for (const name of commandsIn(program.stdout)) commands.push([...command, name]);
  }
  expect(wide).toEqual([]);
  expect(commands.map((command) => command.join(' '))).toEqual(
    expect.arrayContaining(['run', 'bus grants approve', 'bus dead-letters show', 'compose ps', 'audit verify']),
  );
});

test('what is too wide for a terminal of 80 columns is told in blocks there, and in lines to a program', async () => {
  const bus = runCli('bus', '--listen', '127.0.0.1:0', '--store', 'memory');
  const [, address = ''] = await bus.seen(/bus listens address=(\S+)/);
  const pattern = `platform.${'very.long.topic.'.repeat(2)}with.many.segments`;
  const sidecar = await startSidecar(address, {
    INSTANCE_ID: 'an-instance-with-a-long-name-0',
    REQUESTED_GRANTS: JSON.stringify(['publish', 'subscribe'].map((action) => ({ topic: pattern, action }))),
  });
  const plugin = await connectPlugin(sidecar.address);
  await plugin.subscribe(pattern, { name: 'a-subscription' }, () => {});
  const list = ['bus', 'grants', 'list', '--bus', address] as const;
  const screen = await atTerminal(...list);
  const { lines } = screen;
  expectFits(screen);
  expect(lines).toContain(`PATTERN   ${pattern}`);
  expect(lines).toContain('INSTANCE  an-instance-with-a-long-name-0');
  expectFits(await atTerminal('bus', 'instances', '--bus', address));
  const subscribed = await atTerminal('bus', 'subscriptions', 'list', '--bus', address);
  expectFits(subscribed);
  expect(subscribed.lines).toContain(`PATTERN   ${pattern}`);
  const piped = runCli(...list);
  await piped.exited;
  expect(piped.stdout.trimEnd().split('\n')).toHaveLength(3);
  expect(piped.stdout).toMatch(/^INSTANCE +ACTION +PATTERN +STANDING +WHY\n/);
});

test('doctor wraps values and findings at a terminal, colours them, and does neither for a program', async () => {
  const command = [
    'doctor',
    'fixtures/node-plugin',
    '--env',
    `TAGS=${Array.from({ length: 6 }, (_, index) => `a-long-tag-${index}`).join(',')}`,
    '--env',
    'POOL_TYPE=1',
  ] as const;
  const screen = await atTerminal(...command);
  expect(screen.code).toBe(78);
  expectFits(screen);
  const text = screen.lines.join('\n');
  expect(text).toMatch(/^POOL_TYPE +cannot be used +command line$/m);
  expect(text).toMatch(/^TAGS +a-long-tag-0, a-long-tag-1,.*\n +a-long-tag[^\n]*(\n +)?\(command line\)$/m);
  expect(text).toMatch(/^error: POOL_TYPE is "1"$/m);
  expect(screen.written).toContain('\u001b[31merror\u001b[39m: ');
  const piped = runCli(...command);
  await piped.exited;
  expect(piped.stdout).not.toContain('\u001b');
  expect(piped.stdout).toMatch(/^TAGS +.{60,} command line$/m);
});

test('an error is wrapped at a terminal, and its remedies are a list', async () => {
  const screen = await atTerminal('bus', 'backup', `/proc/${'a-long-name/'.repeat(6)}copy`, '--store', 'memory');
  expect(screen.code).toBe(64);
  expectFits(screen);
  expect(screen.lines.at(-1)).toMatch(/^- Name .* \[bus\/backup\/memory\]$/);
});
