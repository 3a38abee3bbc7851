import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from 'vitest';
import { ownLoopback } from './sidecar/own-loopback.ts';

const root = path.resolve(import.meta.dirname, '..');
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
const shellCommands = [...readme.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) =>
  block.trim().split('\n'),
);

/** Run by every clone, and by .ci/run as steps of their own: running them from here would run this test again. */
const runByCi = ['npm ci && npm run demo', 'npm ci && npm test', 'npm run -s build'];
const commandsToRun = shellCommands.filter((command) => !runByCi.includes(command));

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    // The command line may be a shell, npm and the program: the signal goes to the whole group.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    await once(child, 'exit');
  }
});

function run(command: string) {
  const child = spawn('bash', ['-c', command], { cwd: root, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  const lines: string[] = [];
  const looks = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      for (const look of looks) look();
    });
  }
  const exit = once(child, 'close').then(([code]) => code as number);
  const line = (expression: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => void (lines.some((each) => expression.test(each)) && resolve());
      looks.add(look);
      void exit.then(() => reject(new Error(`${command} ended without ${expression}:\n${lines.join('\n')}`)));
      look();
    });
  return { exit, line, lines };
}

describe('the commands of the README', () => {
  test('are these, each run below or by CI', () => {
    expect(commandsToRun).toEqual([
      expect.stringContaining('meridian-sidecar -- stage '),
      expect.stringContaining('meridian-sidecar -- bus '),
      expect.stringContaining('meridian-sidecar -- launch '),
      expect.stringContaining('meridian-sidecar -- conformance '),
    ]);
  });

  test('stage, bus and launch bring plugin and sidecar to talk', async () => {
    const [stage = '', bus = '', launch = ''] = commandsToRun;
    // The address is replaced, since others may have these ports on the usual one; everything else runs as it is written.
    const own = (command: string): string => command.replace('127.0.0.1', ownLoopback);
    const addresses = `--env SIDECAR_ADDR=${ownLoopback}:9191 --env SIDECAR_HEALTH_ADDR=${ownLoopback}:9192`;

    const staged = run(stage);
    expect(await staged.exit, staged.lines.join('\n')).toBe(0);
    await run(own(bus)).line(/bus listens/);
    const launched = run(`${own(launch)} ${addresses}`);
    await launched.line(/received demo\.ticks/);
    await launched.line(/\] running/);
  });

  test('conformance judges the plugin, which passes', async () => {
    const judged = run(commandsToRun.at(-1) ?? '');
    expect(await judged.exit, judged.lines.join('\n')).toBe(0);
    expect(judged.lines).toContain('14 passed, 0 failed, 0 not applicable');
  });
});
