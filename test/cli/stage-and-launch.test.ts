import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { temporaryDir, writeTree } from '../local/fixture-tree.ts';
import { endAll, Program } from '../sidecar/processes.ts';

afterEach(endAll);

function start(args: readonly string[]): Program {
  return new Program([path.resolve('src/cli/main.ts'), ...args], { PATH: process.env['PATH'] ?? '' });
}

interface Run {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: unknown;
}

async function run(args: readonly string[]): Promise<Run> {
  const program = start(args);
  const code = await program.exited;
  return { stdout: program.stdout, stderr: program.stderr, code };
}

test('help lists the commands and is no error', async () => {
  const { stdout, code } = await run(['--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/stage .*\n(?:.*\n)*.*launch /);
});

test.each([
  ['no command', [], 'Usage: meridian-sidecar'],
  ['an unknown command', ['fly'], "unknown command 'fly'"],
  ['stage without --out', ['stage', 'app'], "required option '-o, --out <dir>'"],
  [
    'stage of what is no directory',
    ['stage', '/proc/nonexistent', '--out', '/proc/nonexistent'],
    '[stage/app/directory]',
  ],
  ['stage without a buildpack', ['stage', 'test', '--out', '/proc/nonexistent'], '[stage/buildpack/none]'],
  ['stage into the app', ['stage', 'test', '--out', 'test/out'], '[stage/out/inside-app]'],
  ['a variable without =', ['launch', '/proc/nonexistent', '--env', 'secret'], '[cli/env/format]'],
  ['launch of no droplet', ['launch', '/proc/nonexistent'], '[launch/droplet/missing]'],
])('%s is a usage error', async (_what, args, message) => {
  const { stderr, code } = await run(args);
  expect(stderr).toContain(message);
  expect(stderr).not.toContain('    at ');
  expect(code).toBe(64);
});

test('a failing buildpack’s output, the platform’s message and its exit code reach the caller', async () => {
  const dir = await temporaryDir();
  const app = await writeTree(path.join(dir, 'app'), { 'app.js': '' });
  const bad = await writeTree(path.join(dir, 'bad'), { 'bin/supply': '#!/bin/bash\necho why; exit 3' });
  const { stdout, stderr, code } = await run(['stage', app, '--out', path.join(dir, 'out'), '-b', bad, '-b', bad]);
  expect(stdout).toContain('why');
  expect(stderr).toContain('Failed to run all supply scripts: exit status 3');
  expect(code).toBe(225);
});

async function stageScripts(...options: readonly string[]): Promise<Run & { readonly dir: string }> {
  const dir = await temporaryDir();
  const app = await writeTree(path.join(dir, 'scripts'), { Procfile: 'web: echo hello' });
  const last = await writeTree(path.join(dir, 'last'), {
    'bin/finalize': '#!/bin/bash',
    'bin/release': '#!/bin/bash\necho {}',
  });
  const places = options.map((option) => option.replace('DIR', dir));
  return { dir, ...(await run(['stage', app, '--out', path.join(dir, 'out'), '-b', last, ...places])) };
}

test('stage packs the droplet and writes its manifest', async () => {
  const { dir, code } = await stageScripts('--droplet', 'DIR/app.tgz', '--manifest', 'DIR/app.yml');
  expect(code).toBe(0);
  const packed = execFileSync('tar', ['-tzf', path.join(dir, 'app.tgz')], { encoding: 'utf8' });
  expect(packed.split('\n')).toEqual(expect.arrayContaining(['./app/Procfile', './staging_info.yml']));
  expect(readFileSync(path.join(dir, 'app.yml'), 'utf8')).toBe(
    'applications:\n  - name: scripts\n    command: echo hello\n',
  );
});

test.each([
  ['--droplet', '[stage/droplet/archive]'],
  ['--manifest', '[stage/manifest/write]'],
])('stage says so when %s cannot be written', async (option, id) => {
  const { code, stderr } = await stageScripts(option, 'DIR/nowhere/file');
  expect(stderr).toContain(id);
  expect(stderr).not.toContain('    at ');
  expect(code).toBe(74);
});

test.each(['/proc/nope', '/proc/nope/below', '/dev/null/below'])(
  'stage says so when --out %s cannot be made',
  async (out) => {
    const { dir } = await stageScripts();
    const { code, stderr } = await run([
      'stage',
      path.join(dir, 'scripts'),
      '--out',
      out,
      '-b',
      path.join(dir, 'last'),
    ]);
    expect(stderr).toContain('[stage/out/unwritable]');
    expect(code).toBe(74);
  },
);

test.each(['SIGTERM', 'SIGINT'] as const)(
  'launch passes %s on as SIGTERM and exits as the first process does',
  async (signal) => {
    const dir = await temporaryDir();
    await writeTree(dir, {
      'result.json': JSON.stringify({
        process_types: { web: "trap 'echo stopped; exit 5' TERM; echo started; while :; do sleep 0.05; done" },
      }),
      'droplet/app/app.js': '',
    });
    const launched = start(['launch', dir]);
    await launched.seen(/started$/m);
    launched.signal(signal);
    expect(await launched.exited).toBe(5);
    expect(launched.stdout).toMatch(/^\[APP\/PROC\/WEB\/0\] stopped$/m);
  },
);
