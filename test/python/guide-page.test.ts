import { afterEach, beforeEach, expect, test } from 'vitest';
import { examplesIn, readPage } from '../docs/examples.ts';
import { endAll, runCli, writeTemporary } from '../sidecar/processes.ts';
import { runPython, startDemoBus, startDemoSidecar } from './containers.ts';
import { packageDir, pluginDir } from './stubs.ts';
import { pythonFile } from './virtual-environment.ts';

const examples = examplesIn(readPage('plugin-guide.md'), 'python');
const example = examples.find(({ name }) => name === '');
const ticks = examples.find(({ name }) => name === 'ticks.py');
let file: string;

beforeEach(() => {
  expect(examples).toHaveLength(2);
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

test('the program that uses the package prints what the page says', async () => {
  const bus = await startDemoBus();
  const sidecar = await startDemoSidecar(bus.address);
  const environment = { SIDECAR_ADDR: sidecar.address, PYTHONPATH: packageDir };
  const program = runPython([writeTemporary('ticks.py', ticks?.source ?? '')], environment);
  expect(await program.exited, program.stderr).toBe(0);
  expect(program.stdout).toBe(ticks?.output);
});
