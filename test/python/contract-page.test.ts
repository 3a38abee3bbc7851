import { afterEach, expect, test } from 'vitest';
import { examplesIn, readPage } from '../docs/examples.ts';
import { endAll, writeTemporary } from '../sidecar/processes.ts';
import { runPython, startDemoBus, startDemoSidecar } from './containers.ts';
import { pluginDir } from './stubs.ts';

afterEach(endAll);

test('the Python program of docs/contract.md prints what the page says', async () => {
  const [example, ...others] = examplesIn(readPage('contract.md'), 'python');
  expect(others).toEqual([]);
  const bus = await startDemoBus();
  const sidecar = await startDemoSidecar(bus.address, { INSTANCE_ID: 'python-plugin-0' });
  const environment = { SIDECAR_ADDR: sidecar.address, PYTHONPATH: pluginDir };
  const program = runPython([writeTemporary('plugin.py', example?.source ?? '')], environment);
  expect(await program.exited, program.stderr).toBe(0);
  expect(program.stdout).toBe(example?.output);
});
