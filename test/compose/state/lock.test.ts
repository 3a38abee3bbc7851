import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withLock } from '../../../src/compose/state/lock.ts';
import { StateFiles } from '../../../src/compose/state/state-files.ts';
import { VirtualScheduler } from '../../../src/simulation/virtual-scheduler.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'meridian-locks-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a lock is held by one at a time, and each name is one of its own', () => {
  const state = new StateFiles(folder);
  const release = state.tryLock('shop/sidecar');
  expect(release).toBeDefined();
  expect(new StateFiles(folder).tryLock('shop/sidecar')).toBeUndefined();
  state.tryLock('shop/other')?.();
  release?.();
  expect(new StateFiles(folder).tryLock('shop/sidecar')).toBeDefined();
});

test('whoever waits says so once, and gives up in time', async () => {
  const state = new StateFiles(folder);
  const release = state.tryLock('shop/sidecar');
  const scheduler = new VirtualScheduler(1);
  const said: string[] = [];
  const request = {
    state,
    name: 'shop/sidecar',
    scheduler,
    timeoutMs: 5_000,
    report: (text: string) => said.push(text),
  };
  const outcome = withLock(request, async () => 'done').catch((error: unknown) => error);
  await scheduler.advance(5_100);
  expect(await outcome).toMatchObject({ id: 'compose/lock/busy' });
  expect(said).toHaveLength(1);
  release?.();
});

test('a lock is given back by work that fails', async () => {
  const state = new StateFiles(folder);
  const request = { state, name: 'a', scheduler: new VirtualScheduler(1), timeoutMs: 0, report: () => {} };
  await expect(withLock(request, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await withLock(request, async () => 'done')).toBe('done');
});

test('an entry of the journal that is cut off counts as none', () => {
  const state = new StateFiles(folder);
  const entry = { phase: 'up', engine: 'a/b:c', endpoint: 'unix:///x', project: 'shop', service: '..' } as const;
  state.write(entry);
  expect(new StateFiles(folder).entries(entry)).toEqual([entry]);
  state.forget(entry);
  expect(state.entries(entry)).toEqual([]);
});
