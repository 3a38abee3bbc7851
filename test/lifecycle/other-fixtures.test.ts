import { describe, expect, test } from 'vitest';
import { openNetwork, startBus, startInstance, startOf } from './platform.ts';
import { stagedCase } from './staged-cases.ts';

describe('python-plugin', () => {
  test('publishes, receives, asks and answers through its sidecar, and both stop on SIGTERM', async () => {
    const network = await openNetwork();
    await startBus(network);
    const instance = await startInstance({ ...(await startOf('python-plugin')), network });
    await instance.line(/^web: running$/);
    const told = instance.container.lines.filter((line) => line.startsWith('web: '));
    expect(told).toContainEqual(expect.stringMatching(/received demo\.ticks .*"tick 1"/));
    expect(told).toContainEqual(expect.stringMatching(/demo\.sum .*42/));
    expect(Object.fromEntries(await instance.stop())).toEqual({ web: 0, 'meridian-sidecar': 0 });
  });
});

describe('procfile', () => {
  test('a worker gets its sidecar, under an id with its process type', async () => {
    const network = await openNetwork();
    await startBus(network);
    const { result } = await stagedCase('procfile');
    const command = result?.process_types['worker'] ?? '';
    const instance = await startInstance({ ...(await startOf('procfile')), network, command, processType: 'worker' });
    await instance.line(/^meridian-sidecar: .*instance=procfile-app-worker-0/);
    await instance.line(/^meridian-sidecar: .*startup 8\/8/);
    expect(Object.fromEntries(await instance.stop())).toEqual({ worker: 143, 'meridian-sidecar': 0 });
  });
});

describe('compile-only', () => {
  test('the app finds its sidecar with a final buildpack that knows nothing of others', async () => {
    const network = await openNetwork();
    await startBus(network);
    const instance = await startInstance({ ...(await startOf('compile-only')), network });
    await instance.line(/^meridian-sidecar: .*startup 8\/8/);
    await instance.line(/^web: fact told/);
    const { lines } = instance.container;
    expect(lines).toContain('web: fact SIDECAR_ADDR 127.0.0.1:9191');
    expect(lines).toContain('web: fact MERIDIAN_SIDECAR_ADDRESS 127.0.0.1:9191');
    expect(lines).toContain('web: fact COMPILED yes');
    expect(Object.fromEntries(await instance.stop())).toEqual({ web: 0, 'meridian-sidecar': 0 });
  });
});

describe('two-sidecars', () => {
  test('held under `set -euo pipefail`, the app and the other sidecar wait until this one is ready', async () => {
    const network = await openNetwork();
    await startBus(network);
    const env = { SIDECAR_HOLD_APP: 'true' };
    const instance = await startInstance({ ...(await startOf('two-sidecars')), network, env });
    await Promise.all(['web', 'other-agent'].map((name) => instance.line(new RegExp(`^${name}: fact told`))));
    const { lines } = instance.container;
    const waited = lines.filter((line) =>
      /: meridian-sidecar: the sidecar is READY after \d+ s; the app starts$/.test(line),
    );
    expect(new Set(waited.map((line) => line.split(':')[0]))).toEqual(new Set(['other-agent', 'web']));
    expect(Object.fromEntries(await instance.stop())).toEqual({ web: 0, 'other-agent': 0, 'meridian-sidecar': 0 });
  });
});
