import { expect, test } from 'vitest';
import { RevisionConflictError } from '../../src/bus/store/store.ts';
import { VirtualScheduler } from '../../src/simulation/virtual-scheduler.ts';
import { activeOwner, appendIds, type CreateStore, everything } from './store-fixtures.ts';

export function describeState(createStore: CreateStore): void {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

  test('state is saved only over the revision it was made from', async () => {
    const store = await createStore({ scheduler: new VirtualScheduler(1) });
    const owner = await activeOwner(store);
    expect(await store.loadState('one')).toBeUndefined();
    const save = (text: string, expectedRevision: bigint) =>
      store.saveState(owner, { state: bytes(text), expectedRevision, acknowledge: [] });
    const first = await save('1', 0n);
    const second = await save('2', first);
    expect(second).toBeGreaterThan(first);
    for (const stale of [0n, first, second + 1n]) await expect(save('3', stale)).rejects.toThrow(RevisionConflictError);
    expect(await store.loadState('one')).toEqual({ state: bytes('2'), revision: second });
    expect(await store.loadState('two')).toBeUndefined();
  });

  test('a state that is forgotten is gone, takes no room, and is saved anew from the first revision', async () => {
    const store = await createStore({ scheduler: new VirtualScheduler(1) });
    const owner = await activeOwner(store);
    const before = (await store.usage()).bytes;
    const save = (expectedRevision: bigint) =>
      store.saveState(owner, { state: new Uint8Array(1_000), expectedRevision, acknowledge: [] });
    const revision = await save(0n);
    expect((await store.usage()).bytes).toBeGreaterThan(before + 1_000);
    expect(await store.forgetState('one')).toBe(true);
    expect((await store.usage()).bytes).toBe(before);
    expect(await store.loadState('one')).toBeUndefined();
    expect(await store.forgetState('one')).toBe(false);
    await expect(save(revision)).rejects.toThrow(RevisionConflictError);
    expect(await save(0n)).toBe(1n);
  });

  test('saving acknowledges in the same operation: both happen or neither', async () => {
    const store = await createStore({ scheduler: new VirtualScheduler(1) });
    const owner = await activeOwner(store);
    await store.openSubscription(owner, everything);
    const [a = 0n, b = 0n] = await appendIds(store, owner, ['a', 'b']);
    await store.recordDelivery(owner, 'all', { positions: [a, b], cursor: b });
    const save = (expectedRevision: bigint, position: bigint) =>
      store.saveState(owner, {
        state: bytes('s'),
        expectedRevision,
        acknowledge: [{ name: 'all', positions: [position] }],
      });
    const pending = async () => [...(await store.openSubscription(owner, everything)).pending.keys()];
    await save(0n, a);
    expect(await pending()).toEqual([b]);
    await expect(save(0n, b)).rejects.toThrow(RevisionConflictError);
    expect(await pending()).toEqual([b]);
  });
}
