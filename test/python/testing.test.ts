import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packWheel } from '../../src/packager/client/wheel.ts';
import { readPage } from '../docs/examples.ts';
import { endAll, Program } from '../sidecar/processes.ts';
import { makeEnvironment } from './virtual-environment.ts';

const root = path.resolve(import.meta.dirname, '../..');
const version = readFileSync(path.join(root, 'VERSION'), 'utf8').trim();
const command = path.join(root, 'bin/meridian-sidecar');
const [, shown = ''] = /^```python test_ticks\.py\n(.*?)^```$/ms.exec(readPage('plugin-guide.md')) ?? [];

let folder: string;
let python: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'meridian-testing-'));
  const { path: wheel } = await packWheel({ root, version, outDir: folder });
  python = makeEnvironment(path.join(folder, 'venv'), wheel, 'pytest==9.0.2');
});
afterAll(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

async function pytest(name: string, text: string, environment: Record<string, string>): Promise<Program> {
  writeFileSync(path.join(folder, name), text);
  const args = ['-m', 'pytest', '-p', 'no:cacheprovider', '--rootdir', folder, path.join(folder, name)];
  const program = new Program(args, { PATH: process.env.PATH ?? '', ...environment }, python);
  await program.exited;
  return program;
}

describe('meridian_plugin.testing', () => {
  test('runs the tests of the page, and leaves no process', async () => {
    const run = await pytest('test_ticks.py', shown, { MERIDIAN_SIDECAR_COMMAND: command, MARK_OF_TEST: folder });
    expect(await run.exited, run.output).toBe(0);
    expect(run.stdout).toContain('2 passed');
    const left = execFileSync(
      'bash',
      ['-c', 'grep -laz "^MARK_OF_TEST=$1$" /proc/[0-9]*/environ || true', '-', folder],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    expect(left).toBe('');
  });

  test('says what to do when there is no command', async () => {
    const run = await pytest('test_ticks.py', shown, { PATH: path.dirname(python) });
    expect(run.stdout).toContain('there is no command meridian-sidecar; give its path as `command`');
  });

  test('shows what a bus wrote that did not start', async () => {
    const text = `import asyncio
from meridian_plugin.testing import sidecar

def test_it():
    async def story():
        async with sidecar(policy="/proc/none.yml"):
            pass
    asyncio.run(story())
`;
    const run = await pytest('test_policy.py', text, { MERIDIAN_SIDECAR_COMMAND: command });
    expect(run.stdout).toMatch(/TestKitError: the bus ended with code \d+:\n[\s\S]*none\.yml/);
  });
});
