import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { ownFreeAddress } from '../sidecar/own-loopback.ts';
import { endAll, Program } from '../sidecar/processes.ts';
import { startDemoBus } from './containers.ts';
import { pluginDir } from './stubs.ts';
import { pythonFile } from './virtual-environment.ts';

const root = path.resolve(import.meta.dirname, '../..');
const cliFile = path.join(root, 'dist/cli.mjs');
const machinePath = process.env['PATH'] ?? '';

afterEach(endAll);

test('staged and launched as a container, the app runs from its Procfile and stops with exit code 0', async () => {
  const out = mkdtempSync(path.join(tmpdir(), 'meridian-python-app-'));
  onTestFinished(() => rmSync(out, { recursive: true }));
  const buildpacks = [root, path.join(root, 'fixtures/final-buildpack')].flatMap((dir) => ['-b', dir]);
  const stage = new Program([cliFile, 'stage', pluginDir, '--out', out, ...buildpacks], { PATH: machinePath });
  expect(await stage.exited, stage.output).toBe(0);

  const bus = await startDemoBus();
  const settings = {
    // What python_buildpack brings to a pushed app: Python and what requirements.txt names.
    PATH: `${path.dirname(pythonFile)}:${machinePath}`,
    SIDECAR_BUS_API_URL: bus.address,
    // Plugin and sidecar are told the same port before either runs, so it cannot be 0.
    SIDECAR_ADDR: await ownFreeAddress(),
    SIDECAR_HEALTH_ADDR: '127.0.0.1:0',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const container = new Program([cliFile, 'launch', out, ...options]);
  await container.seen(/WEB\/0\] connected as python-plugin-0 \(SignalPool\)/);
  await container.seen(/WEB\/0\] running/);
  container.signal('SIGTERM');
  expect(await container.exited, container.output).toBe(0);
  expect(container.output).toMatch(/WEB\/0\] left/);
  expect(container.output).toContain('publishesUnresolved=0 pluginDrained=true');
});
