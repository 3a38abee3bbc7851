import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { endAll, Program, runCli } from '../sidecar/processes.ts';

afterEach(endAll);

const dist = path.resolve(import.meta.dirname, '../../dist');
const bus = ['bus', '--listen', '127.0.0.1:0', '--store', 'memory'];

/** A bus whose stdout is a terminal. */
function busAtTerminal(environment: Readonly<Record<string, string>>): Program {
  const command = ['exec', process.execPath, path.join(dist, 'cli.mjs'), ...bus].join(' ');
  return new Program(
    ['-qefc', command, '/dev/null'],
    { PATH: process.env.PATH ?? '', ...environment },
    '/usr/bin/script',
  );
}

/** Stops the bus, which is a child of what holds its terminal, and that with it. */
async function stop(program: Program): Promise<void> {
  const [child = ''] = readFileSync(`/proc/${program.pid}/task/${program.pid}/children`, 'utf8').split(' ');
  process.kill(Number(child), 'SIGTERM');
  expect(await program.exited).toBe(0);
}

test('at a terminal a line of the log begins with the time of day, and its level has a colour', async () => {
  const program = busAtTerminal({ TERM: 'xterm-256color', TZ: 'UTC' });
  await program.seen(/^\d\d:\d\d:\d\d \S\[32mINFO \S\[39m bus listens address=/m);
  await program.seen(/^\d\d:\d\d:\d\d \S\[33mWARN \S\[39m the bus has no policy/m);
  await stop(program);
});

test('with NO_COLOR there is a time and no colour', async () => {
  const program = busAtTerminal({ TERM: 'xterm-256color', NO_COLOR: '1' });
  await program.seen(/^\d\d:\d\d:\d\d INFO {2}bus listens address=/m);
  expect(program.output).not.toContain('\u001B[3');
  await stop(program);
});

test('where a platform reads the log, there is neither', async () => {
  const program = runCli(...bus);
  await program.seen(/^INFO {2}bus listens address=/m);
});
