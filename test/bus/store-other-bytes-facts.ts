import { expect, test } from 'vitest';
import { sleep } from '../../src/base/time/scheduler.ts';
import { type Owner, type Store, StoreFullError } from '../../src/bus/store/store.ts';
import { VirtualScheduler } from '../../src/simulation/virtual-scheduler.ts';
import { activeOwner, type CreateStore, message } from './store-fixtures.ts';

const retention = { messages: 1, bytes: 100_000 };
const windowMs = 60_000;
const key = (sequence: bigint): string => `${sequence}`.padStart(1_000, '0');

/** What is stored beside messages has the same limit as they. */
export function describeOtherBytes(createStore: CreateStore): void {
  const create = async (scheduler = new VirtualScheduler(1)): Promise<Store> =>
    createStore({ scheduler, retention, dedupWindowMs: windowMs });

  /** Publishes with keys of 1,000 bytes each until one is refused; returns how many were accepted, and why. */
  async function fillWithKeys(store: Store, owner: Owner): Promise<{ accepted: bigint; reason: string }> {
    for (let sequence = 1n; ; sequence += 1n) {
      try {
        await store.append(owner, [message(sequence, { dedupKey: key(sequence) })]);
      } catch (error) {
        expect(error).toBeInstanceOf(StoreFullError);
        return { accepted: sequence - 1n, reason: (error as Error).message };
      }
    }
  }

  test('the dedup keys of one instance take an eighth of the store, and no publish without a new key is refused for it', async () => {
    const store = await create();
    const [owner, other] = [await activeOwner(store, 'one'), await activeOwner(store, 'two')];
    const { accepted, reason } = await fillWithKeys(store, owner);
    expect(accepted).toBe(12n);
    expect(reason).toMatch(/^the dedup keys of this instance take 12\d{3} bytes of the store; .* the limit of 12500$/);
    expect(await store.append(owner, [message(13n)])).toMatchObject([{ duplicate: false }]);
    expect(await store.append(owner, [message(14n, { dedupKey: key(1n) })])).toMatchObject([{ duplicate: true }]);
    await store.append(other, [message(1n, { dedupKey: key(1n) })]);
  });

  test('there is room for keys again when their window is over', async () => {
    const scheduler = new VirtualScheduler(1);
    const store = await create(scheduler);
    const owner = await activeOwner(store);
    const { accepted } = await fillWithKeys(store, owner);
    await scheduler.run(sleep(scheduler, windowMs + 1));
    expect(await store.append(owner, [message(accepted + 1n, { dedupKey: key(99n) })])).toHaveLength(1);
  });

  test('states take the room of messages until they are smaller, and are saved all the same', async () => {
    const store = await create();
    const owner = await activeOwner(store);
    const save = (bytes: number, expectedRevision: bigint): Promise<bigint> =>
      store.saveState(owner, { state: new Uint8Array(bytes), expectedRevision, acknowledge: [] });
    const revision = await save(90_000, 0n);
    const large = message(1n, { bytes: 20_000 });
    await expect(store.append(owner, [large])).rejects.toThrow(/; 90\d{3} of its 100000 bytes are dedup keys, states/);
    await save(1_000, revision);
    expect(await store.append(owner, [large])).toHaveLength(1);
  });

  test('names of subscriptions take the room of messages until the subscriptions are gone', async () => {
    const store = await create();
    const owner = await activeOwner(store);
    for (let index = 0; index < 400; index += 1) {
      const name = `${index}`.padStart(200, '0');
      await store.openSubscription(owner, { name, pattern: `a.${'b'.repeat(40)}`, start: { kind: 'new' } });
    }
    const large = message(1n, { bytes: 20_000 });
    await expect(store.append(owner, [large])).rejects.toThrow(StoreFullError);
    await store.expireSubscriptions({ idleMs: -1, inUse: () => false });
    expect(await store.append(owner, [large])).toHaveLength(1);
  });
}
