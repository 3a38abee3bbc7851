import { afterEach, beforeEach, expect, test } from 'vitest';
import { examplesIn, readPage } from '../docs/examples.ts';
import { endAll, runCli, writeTemporary } from '../sidecar/processes.ts';
import { runPython, startDemoBus, startDemoSidecar } from './containers.ts';
import { pluginDir } from './stubs.ts';
import { pythonFile } from './virtual-environment.ts';

const [example, ...others] = examplesIn(readPage('plugin-guide.md'), 'python');
let file: string;

beforeEach(() => {
  expect(others).toEqual([]);
  file = writeTemporary('plugin.py', example?.source ?? '');
});
afterEach(endAll);

test('the Python program of docs/plugin-guide.md prints what the page says', async () => {
  const bus = await startDemoBus();
  const sidecar = await startDemoSidecar(bus.address, { INSTANCE_ID: 'python-plugin-0' });
  const environment = { SIDECAR_ADDR: sidecar.address, PYTHONPATH: pluginDir };
  const program = runPython([file], environment);
  expect(await program.exited, program.stderr).toBe(0);
  expect(program.stdout).toBe(example?.output);
});

test('and publishes as the conformance tests ask for', async () => {
  const tests = ['register', 'publish-envelope', 'dual-timestamps', 'dedup-key', 'schema-version'];
  const command = ['env', `PYTHONPATH=${pluginDir}`, pythonFile, '-B', file];
  const judging = runCli('conformance', '--strict', '--json', '--only', ...tests, '--', ...command);
  expect(await judging.exited, judging.output).toBe(0);
});
