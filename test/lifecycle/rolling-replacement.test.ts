import { describe, expect, test } from 'vitest';
import type { AppInstance, InstanceStart } from './app-instance.ts';
import { openNetwork, startBus, startInstance, startOf } from './platform.ts';

/** An instance of the version that a push made; the platform starts it before it stops the old one. */
async function startVersion(network: string, version: string, more: Partial<InstanceStart> = {}): Promise<AppInstance> {
  const start = await startOf('node-plugin');
  return await startInstance({ ...start, network, version, ...more });
}

function said({ container }: AppInstance, pattern: RegExp): string[] {
  return container.lines.filter((line) => pattern.test(line));
}

const standsBy = /^meridian-sidecar: .*to=STANDBY/;

describe('node-plugin replaced by rolling', () => {
  test('two instances are replaced one after the other, and each new one goes on with the state of its id', async () => {
    const network = await openNetwork();
    await startBus(network);
    const old = await Promise.all([0, 1].map((index) => startVersion(network, 'first', { index })));
    await Promise.all(old.map((instance) => instance.line(/^web: running$/)));
    for (const [index, before] of old.entries()) {
      const after = await startVersion(network, 'second', { index });
      await after.line(/^web: running$/);
      expect(said(after, /^web: state loaded/)).toEqual([expect.stringContaining('{"starts":1}')]);
      expect(said(after, /^web: received demo.ticks/)).not.toEqual([]);
      await before.line(standsBy);
      expect(Object.fromEntries(await before.stop())).toMatchObject({ 'meridian-sidecar': 0 });
      expect(said(after, /to=(?:DEGRADED|STANDBY|FAULTED)/)).toEqual([]);
    }
  });

  test('a new version whose sidecar cannot start leaves the old one working', async () => {
    const network = await openNetwork();
    await startBus(network);
    const before = await startVersion(network, 'first');
    await before.line(/^web: running$/);
    const broken = await startVersion(network, 'second', { env: { POOL_TYPE: 'NoPool' } });
    expect((await broken.ended)[0]).toEqual(['meridian-sidecar', 77]);
    expect(said(before, standsBy)).toEqual([]);
    expect(Object.fromEntries(await before.stop())).toEqual({ web: 0, 'meridian-sidecar': 0 });
  });

  test('a new version whose app ends at once gives the id back to the old one when that starts again', async () => {
    const network = await openNetwork();
    await startBus(network);
    const before = await startVersion(network, 'first');
    await before.line(/^web: running$/);
    const env = { SIDECAR_HOLD_APP: 'true' };
    const broken = await startVersion(network, 'second', { command: 'exit 1', env });
    expect((await broken.ended)[0]).toEqual(['web', 1]);
    // This plugin ends when it is told that a newer sidecar took over, and the platform starts its instance again.
    expect(Object.fromEntries(await before.ended)).toEqual({ web: 0, 'meridian-sidecar': 0 });
    const again = await startVersion(network, 'first');
    await again.line(/^web: running$/);
    expect(said(again, /^web: state loaded/)).toEqual([expect.stringContaining('{"starts":1}')]);
  });
});
