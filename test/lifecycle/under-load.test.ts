import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AppInstance, InstanceStart } from './app-instance.ts';
import { openNetwork, startBus, startInstance, startOf } from './platform.ts';

const loadFile = path.join(import.meta.dirname, 'apps/load.mjs');

async function loadStart(network: string, env: Readonly<Record<string, string>> = {}): Promise<InstanceStart> {
  return { ...(await startOf('node-plugin')), network, command: 'node load.mjs', files: { 'load.mjs': loadFile }, env };
}

/** The message ids of the lines that begin with a word. */
function idsOf({ container }: AppInstance, word: 'accepted' | 'received'): string[] {
  return container.lines.flatMap((line) => {
    const [, id] = new RegExp(`^web: ${word} (\\S+)`).exec(line) ?? [];
    return id ?? [];
  });
}

/** Waits until an instance has said so many lines: one for each message that was accepted, one for each that came. */
async function linesOf({ container }: AppInstance, count: number): Promise<void> {
  if (container.lines.length >= count) return;
  await new Promise<void>((resolve) => {
    container.said.each(() => {
      if (container.lines.length >= count) resolve();
    });
  });
}

describe('node-plugin under load', () => {
  test('stopped by SIGTERM loses no accepted message: what it did not receive, the next instance does', async () => {
    const network = await openNetwork();
    await startBus(network);
    const first = await startInstance(await loadStart(network));
    await linesOf(first, 1_500);
    expect(Object.fromEntries(await first.stop())).toEqual({ web: 0, 'meridian-sidecar': 0 });
    const accepted = idsOf(first, 'accepted');
    const handled = new Set(idsOf(first, 'received'));
    const left = accepted.filter((id) => !handled.has(id));
    const second = await startInstance(await loadStart(network, { LOAD_LANES: '0' }));
    await second.line(/^web: running/);
    await Promise.all(left.map((id) => second.line(new RegExp(`^web: received ${id}`))));
    expect(accepted.length).toBeGreaterThan(500);
    expect(first.container.lines.filter((line) => /^web: (?:refused|unknown)/.test(line))).toEqual([]);
    // Only what was on its way when the first one stopped may come twice, and then it is marked.
    const again = idsOf(second, 'received').filter((id) => handled.has(id));
    expect(second.container.lines.filter((line) => again.some((id) => line === `web: received ${id}`))).toEqual([]);
  });

  test('the memory stays within the limit, and that of the sidecar within its share', async () => {
    const network = await openNetwork();
    await startBus(network);
    const start = await loadStart(network, { LOAD_BYTES: '20000', LOAD_LANES: '32' });
    const instance = await startInstance({ ...start, manifest: { ...start.manifest, memoryMb: 256 } });
    await linesOf(instance, 1_500);
    const peak = await instance.container.run('grep VmHWM "/proc/$(</run/pids/meridian-sidecar)/status"');
    expect(Number(/\d+/.exec(peak)?.[0]) / 1024).toBeLessThan(128);
    expect(
      await instance.container.run(
        'cat /sys/fs/cgroup/memory/memory.oom_control /sys/fs/cgroup/memory.events 2>/dev/null || :',
      ),
    ).toMatch(/oom_kill 0/);
    expect(Object.fromEntries(await instance.stop())).toEqual({ web: 0, 'meridian-sidecar': 0 });
  });

  test('an app that takes more than the memory of its container ends it, whichever of the two the kernel kills', async () => {
    const network = await openNetwork();
    await startBus(network);
    const start = await startOf('node-plugin');
    const greedy = `exec node -e 'const held = []; setInterval(() => held.push(Buffer.alloc(16e6, 1)), 10)'`;
    const instance = await startInstance({ ...start, network, command: greedy });
    const endings = await instance.ended;
    expect(endings[0]?.[1]).toBe(137);
    expect(new Set(endings.map(([name]) => name))).toEqual(new Set(['web', 'meridian-sidecar']));
  });
});
