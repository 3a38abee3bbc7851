import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { endAll, runCli } from '../sidecar/processes.ts';
import { packageDir, packagePluginDir, pluginDir } from './stubs.ts';
import { pythonFile } from './virtual-environment.ts';

afterEach(endAll);

const grants = ['--grant', 'publish:demo.*', '--grant', 'subscribe:demo.*'];
const v1Only = ['env', 'PLUGIN_V1_ONLY=true'];
const beyondV1 = ['degraded-state', 'state-save-load', 'dual-timestamps', 'dedup-key', 'group-handover'];

test.each([
  ['with its callbacks', [], ['group-handover']],
  ['with contract v1 alone', v1Only, beyondV1],
])('plugin.py %s fails no conformance test', async (_mode, prefix, notApplicable) => {
  const command = [...prefix, pythonFile, '-B', path.join(pluginDir, 'plugin.py')];
  const judging = runCli('conformance', ...grants, '--json', '--', ...command);
  expect(await judging.exited, judging.output).toBe(0);
  const tests: readonly { id: string; outcome: string }[] = JSON.parse(judging.stdout).tests;
  expect(tests.filter(({ outcome }) => outcome !== 'passed').map(({ id }) => id)).toEqual(notApplicable);
});

test('a plugin that uses the package meridian_plugin passes every conformance test', async () => {
  const command = ['env', `PYTHONPATH=${packageDir}`, pythonFile, '-B', path.join(packagePluginDir, 'plugin.py')];
  const judging = runCli('conformance', ...grants, '--', ...command);
  expect(await judging.exited, judging.output).toBe(0);
  expect(judging.stdout).toContain('14 passed, 0 failed, 1 not applicable');
});
