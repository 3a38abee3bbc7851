import { expect, test } from 'vitest';
import type { Owner, Store } from '../../src/bus/store/store.ts';
import { VirtualScheduler } from '../../src/simulation/virtual-scheduler.ts';
import { activeOwner, type CreateStore, idsIn, message, noneBefore } from './store-fixtures.ts';

/** Room for three of these messages and not for four. */
const retention = { messages: 1, bytes: 3_500 };
const bytes = 1_000;
const dead = { instanceId: 'one', name: 'dead' };

async function append(store: Store, owner: Owner, ...sequences: readonly bigint[]): Promise<void> {
  for (const sequence of sequences) await store.append(owner, [message(sequence, { bytes })]);
}

/** A subscription `live` that is done with everything, and one that has not even begun. */
async function halfDead(createStore: CreateStore): Promise<{ store: Store; owner: Owner }> {
  const store = await createStore({ scheduler: new VirtualScheduler(1), retention });
  const owner = await activeOwner(store);
  for (const name of ['dead', 'live']) await store.openSubscription(owner, { name, pattern: '**', start: noneBefore });
  await append(store, owner, 1n, 2n, 3n);
  const positions = (await store.read(0n, 10)).map(({ position }) => position);
  await store.recordDelivery(owner, 'live', { positions, cursor: positions[2] ?? 0n });
  await store.acknowledge(owner, 'live', positions);
  return { store, owner };
}

export function describeBacklogs(createStore: CreateStore): void {
  test('what a subscription holds back is all from the first message it has not finished with', async () => {
    const { store, owner } = await halfDead(createStore);
    const [held] = await store.backlogs({ countBytesAbove: 0 });
    expect(held).toMatchObject({ ...dead, messages: 3 });
    expect(held?.bytes).toBeGreaterThan(3 * bytes);
    const positions = (await store.read(0n, 10)).map(({ position }) => position);
    await store.recordDelivery(owner, 'dead', { positions, cursor: positions[2] ?? 0n });
    await store.acknowledge(owner, 'dead', [positions[0] ?? 0n, positions[2] ?? 0n]);
    expect(await store.backlogs({ countBytesAbove: 1_000_000 })).toEqual([{ ...dead, messages: 2, bytes: 0 }]);
    await store.acknowledge(owner, 'dead', positions);
    expect(await store.backlogs({ countBytesAbove: 0 })).toEqual([]);
  });

  test('a store keeps nothing for a subscription that it was told so of, and again when it is not', async () => {
    const { store, owner } = await halfDead(createStore);
    await expect(append(store, owner, 4n)).rejects.toThrow('the store is full');
    await store.stopRetainingFor([dead]);
    await append(store, owner, 4n);
    expect(await idsIn(store)).not.toContain('m1');
    await store.stopRetainingFor([]);
    const { cursor } = await store.openSubscription(owner, { name: 'dead', pattern: '**', start: noneBefore });
    const [first] = await store.read(cursor, 1);
    expect(first?.position).toBeGreaterThan(cursor + 1n);
    await append(store, owner, 5n, 6n);
    await expect(append(store, owner, 7n, 8n)).rejects.toThrow('the store is full');
  });
}
