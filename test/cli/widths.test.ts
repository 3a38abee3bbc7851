import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { connectPlugin } from '../sidecar/plugins.ts';
import { endAll, Program, runCli, startSidecar } from '../sidecar/processes.ts';

afterEach(endAll);

const dist = path.resolve(import.meta.dirname, '../../dist');

/** Runs a command at a terminal of 80 columns, and returns its lines. */
async function atTerminal(...args: readonly string[]): Promise<string[]> {
  const quoted = [process.execPath, path.join(dist, 'cli.mjs'), ...args].map((each) => `'${each}'`).join(' ');
  const command = ['-qefc', `stty cols 80; exec ${quoted}`, '/dev/null'];
  const program = new Program(command, { PATH: process.env.PATH ?? '', TERM: 'xterm' }, '/usr/bin/script');
  expect(await program.exited, program.output).toBe(0);
  return program.stdout.replaceAll('\r', '').trimEnd().split('\n');
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
    REQUESTED_GRANTS: JSON.stringify([{ topic: pattern, action: 'publish' }]),
  });
  await connectPlugin(sidecar.address);
  const list = ['bus', 'grants', 'list', '--bus', address] as const;
  const lines = await atTerminal(...list);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  expect(lines).toContain(`PATTERN   ${pattern}`);
  expect(lines).toContain('INSTANCE  an-instance-with-a-long-name-0');
  const piped = runCli(...list);
  await piped.exited;
  expect(piped.stdout.trimEnd().split('\n')).toHaveLength(2);
  expect(piped.stdout).toMatch(/^INSTANCE +ACTION +PATTERN +STANDING +WHY\n/);
});
