import { describe, expect, test } from 'vitest';
import { type Owner, StaleEpochError, type Store } from '../../src/bus/store/store.ts';
import { VirtualScheduler } from '../../src/simulation/virtual-scheduler.ts';
import { activeOwner, type CreateStore, everything, message, startedAt } from './store-fixtures.ts';

const emptyState = { state: new Uint8Array(), expectedRevision: 0n, acknowledge: [] };

const writes: [name: string, write: (store: Store, owner: Owner) => Promise<unknown>][] = [
  ['append', (store, owner) => store.append(owner, [message(1n)])],
  ['openSubscription', (store, owner) => store.openSubscription(owner, everything)],
  ['recordDelivery', (store, owner) => store.recordDelivery(owner, 'all', { positions: [], cursor: 1n })],
  ['acknowledge', (store, owner) => store.acknowledge(owner, 'all', [1n])],
  ['saveState', (store, owner) => store.saveState(owner, emptyState)],
];

const strangers: [who: string, make: (store: Store) => Promise<Owner>][] = [
  [
    'a reserved epoch that is not activated',
    async (store) => ({ instanceId: 'one', epoch: await store.reserve('one', startedAt(0n)) }),
  ],
  ['an epoch that was never given out', async () => ({ instanceId: 'one', epoch: 7n })],
  [
    'a fenced epoch',
    async (store) => {
      const owner = await activeOwner(store);
      await store.fence(owner);
      return owner;
    },
  ],
  [
    'an epoch whose successor drains by now',
    async (store) => {
      const owner = await activeOwner(store);
      await activeOwner(store);
      await activeOwner(store);
      return owner;
    },
  ],
  [
    'an epoch of another instance',
    async (store) => ({ instanceId: 'one', epoch: (await activeOwner(store, 'two')).epoch }),
  ],
];

export function describeOwnership(createStore: CreateStore): void {
  const open = (): Promise<Store> => createStore({ scheduler: new VirtualScheduler(1) });

  describe.each(strangers)('%s', (_who, make) => {
    test.each(writes)('is refused by %s', async (_name, write) => {
      const store = await open();
      const stranger = await make(store);
      await expect(write(store, stranger)).rejects.toThrow(StaleEpochError);
      expect(await store.mayWrite(stranger)).toBe(false);
      expect(await store.read(0n, 10)).toEqual([]);
      expect(await store.loadState('one')).toBeUndefined();
    });
  });

  test.each(writes)('a draining epoch may %s until it is fenced', async (_name, write) => {
    const store = await open();
    const older = await activeOwner(store);
    const newer = { instanceId: 'one', epoch: await store.reserve('one', startedAt(0n)) };
    expect(await store.activate(newer)).toEqual({ draining: older.epoch });
    await write(store, older);
    await store.fence(older);
    await store.fence(older);
    await expect(write(store, older)).rejects.toThrow(StaleEpochError);
    expect(await store.mayWrite(newer)).toBe(true);
  });

  test('reserving ascends and changes no owner', async () => {
    const store = await open();
    const owner = await activeOwner(store);
    const epochs = [owner.epoch, await store.reserve('one', startedAt(0n)), await store.reserve('one', startedAt(0n))];
    expect(epochs).toEqual([...new Set(epochs)].toSorted((a, b) => (a < b ? -1 : 1)));
    await store.append(owner, [message(1n)]);
  });

  test('the owner is known with when its sidecar started, until it is fenced', async () => {
    const store = await open();
    expect(await store.ownerOf('one')).toBeUndefined();
    const owner = { instanceId: 'one', epoch: await store.reserve('one', startedAt(1_767_225_600_000_000_001n)) };
    expect(await store.ownerOf('one')).toBeUndefined();
    await store.activate(owner);
    await store.reserve('one', startedAt(9n));
    expect(await store.ownerOf('one')).toEqual({ epoch: owner.epoch, ...startedAt(1_767_225_600_000_000_001n) });
    await store.fence(owner);
    expect(await store.ownerOf('one')).toBeUndefined();
  });

  test('activating again changes nothing', async () => {
    const store = await open();
    const owner = await activeOwner(store);
    expect(await store.activate(owner)).toEqual({ draining: undefined });
    expect(await store.mayWrite(owner)).toBe(true);
  });

  test('activate refuses an epoch that is older than the owner, drains, is fenced or was never given out', async () => {
    const store = await open();
    const late = { instanceId: 'one', epoch: await store.reserve('one', startedAt(0n)) };
    const older = await activeOwner(store);
    const fenced = { instanceId: 'one', epoch: await store.reserve('one', startedAt(0n)) };
    await store.fence(fenced);
    await activeOwner(store);
    for (const owner of [late, older, fenced, { instanceId: 'one', epoch: 7n }]) {
      await expect(store.activate(owner)).rejects.toThrow(StaleEpochError);
    }
  });

  test('what an instance that no epoch ever owned has stored is gone with its last reservation', async () => {
    const store = await createStore({ scheduler: new VirtualScheduler(1), retention: { messages: 10, bytes: 2_000 } });
    const owner = await activeOwner(store, 'owner');
    for (let index = 0; index < 60; index += 1) {
      const instanceId = `never-activated-${index}`;
      await store.fence({ instanceId, epoch: await store.reserve(instanceId, startedAt(0n)) });
    }
    expect(await store.append(owner, [message(1n, { bytes: 1_000 })])).toHaveLength(1);
  });

  test('the epochs of an instance ascend also after a reservation that was fenced', async () => {
    const store = await open();
    const owner = await activeOwner(store);
    await store.fence(owner);
    const reserved = { instanceId: 'one', epoch: await store.reserve('one', startedAt(0n)) };
    await store.fence(reserved);
    expect(await store.reserve('one', startedAt(0n))).toBeGreaterThan(reserved.epoch);
  });
}
