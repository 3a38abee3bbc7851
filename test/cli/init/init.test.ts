import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { endAll, Program, runCli, writeTemporary } from '../../sidecar/processes.ts';

const root = path.resolve(import.meta.dirname, '../../..');

let parent: string;
beforeEach(() => {
  parent = path.dirname(writeTemporary('projects', ''));
});
afterEach(endAll);

/** Runs a line of a shell in the project, as its author would, with the command of this clone in PATH. */
async function shell(folder: string, line: string): Promise<Program> {
  const bin = path.join(parent, 'bin');
  mkdirSync(bin, { recursive: true });
  const command = path.join(bin, 'meridian-sidecar');
  if (!existsSync(command)) symlinkSync(path.join(root, 'bin/meridian-sidecar'), command);
  const own = Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  const env = { ...Object.fromEntries(own), PATH: `${bin}:${path.dirname(process.execPath)}:${process.env.PATH}` };
  const program = new Program(['-c', `cd "$1" && ${line}`, 'bash', folder], env, '/bin/bash');
  await program.exited;
  return program;
}

async function init(name: string, ...flags: readonly string[]): Promise<string> {
  const folder = path.join(parent, name);
  const program = runCli('init', folder, ...flags);
  expect([await program.exited, program.stderr]).toEqual([0, '']);
  return folder;
}

describe.each([
  ['javascript', 'plugin.js'],
  ['typescript', 'plugin.ts'],
])('a plugin in %s', (language, file) => {
  test('is installed by one command, and passes its own test and the conformance tests', async () => {
    const folder = await init('ticks', '--language', language);
    expect(readdirSync(folder)).toContain(file);
    const install = await shell(folder, 'npm install --no-audit --no-fund');
    expect(await install.exited, install.output).toBe(0);
    const own = await shell(folder, 'npm test -- --test-reporter=tap');
    expect(await own.exited, own.output).toBe(0);
    expect(own.stdout).toContain('# pass 1\n');
    const tests = await shell(folder, 'npm run conformance');
    expect(tests.stdout).toContain('14 passed, 0 failed, 1 not applicable');
    if (language === 'typescript') {
      const check = await shell(folder, 'npm run check');
      expect(await check.exited, check.output).toBe(0);
    }
  });
});

test('a plugin in Python has the wheel of the client beside it', async () => {
  const folder = await init('ticks', '--language', 'python');
  const requirement = readFileSync(path.join(folder, 'requirements.txt'), 'utf8').trim();
  const wheel = readFileSync(path.join(folder, requirement));
  expect(wheel.equals(readFileSync(path.join(root, 'dist/python', path.basename(requirement))))).toBe(true);
  expect(readdirSync(folder)).toEqual(expect.arrayContaining(['plugin.py', 'runtime.txt', '.gitignore']));
});

test.each(['javascript', 'typescript', 'python'])(
  'doctor finds nothing wrong in the files for Cloud Foundry and Compose of a plugin in %s',
  async (language) => {
    const folder = await init('ticks', '--language', language, '--cf', '--compose');
    expect(readdirSync(folder)).toEqual(
      expect.arrayContaining(['manifest.yml', 'Procfile', 'compose.yaml', 'Dockerfile']),
    );
    for (const place of [folder, path.join(folder, 'compose.yaml')]) {
      const doctor = runCli('doctor', place);
      expect([await doctor.exited, doctor.stdout.trimEnd().split('\n').at(-1)]).toEqual([0, 'nothing wrong found']);
    }
  },
);

test('it says what to do next', async () => {
  const program = runCli('init', path.join(parent, 'ticks'));
  await program.exited;
  expect(program.stdout).toMatch(
    /\nNext:\n {2}cd \S+ticks && npm install\n {2}npm run dev +# .*\n {2}npm test +# .*\n {2}npm run conformance +# .*\n$/,
  );
});

describe('bad input', () => {
  test.each([
    ['a folder that is not empty', 'full', 'init/dir/not-empty'],
    ['a name that no plugin can have', 'a b', 'init/dir/name'],
    ['a name that begins with a hyphen', '-ticks', 'init/dir/name'],
    ['a file in the place of the folder', 'file/ticks', 'init/dir/unusable'],
  ])('%s is refused, and nothing is written', async (_, name, id) => {
    mkdirSync(path.join(parent, 'full'));
    writeFileSync(path.join(parent, 'full/kept'), 'kept');
    writeFileSync(path.join(parent, 'file'), '');
    const program = runCli('init', path.join(parent, name));
    expect(await program.exited).toBe(64);
    expect(program.stderr).toContain(`[${id}]`);
    expect(readdirSync(path.join(parent, 'full'))).toEqual(['kept']);
    expect(readFileSync(path.join(parent, 'file'), 'utf8')).toBe('');
  });

  test('a language that is none of the three is refused', async () => {
    const program = runCli('init', path.join(parent, 'ticks'), '--language', 'rust');
    expect(await program.exited).toBe(64);
    expect(program.stderr).toContain('Allowed choices are javascript, typescript, python');
    expect(existsSync(path.join(parent, 'ticks'))).toBe(false);
  });
});
