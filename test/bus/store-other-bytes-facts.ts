import { expect, test } from 'vitest';
import { sleep } from '../../src/base/time/scheduler.ts';
import { type Owner, type Store, StoreFullError } from '../../src/bus/store/store.ts';
import { VirtualScheduler } from '../../src/simulation/virtual-scheduler.ts';
import { activeOwner, type CreateStore, everything, message } from './store-fixtures.ts';

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

  const save = (store: Store, owner: Owner, bytes: number, expectedRevision: bigint): Promise<bigint> =>
    store.saveState(owner, { state: new Uint8Array(bytes), expectedRevision, acknowledge: [] });
  const large = message(1n, { bytes: 20_000 });

  test('states take the room of messages until they are smaller, and are saved all the same', async () => {
    const store = await create();
    const owners = await Promise.all(['one', 'two', 'three', 'four'].map((id) => activeOwner(store, id, `by ${id}`)));
    const revisions = await Promise.all(owners.map((owner) => save(store, owner, 22_500, 0n)));
    const [owner = owners[0]] = owners;
    if (!owner) throw new Error('there is no owner');
    await expect(store.append(owner, [large])).rejects.toThrow(/; 90\d{3} of its 100000 bytes are dedup keys, states/);
    await Promise.all(owners.map((each, index) => save(store, each, 1_000, revisions[index] ?? 0n)));
    expect(await store.append(owner, [large])).toHaveLength(1);
  });

  test('the states of all instances of one principal take a quarter of the store, and no smaller one is refused', async () => {
    const store = await create();
    const [one, two] = [await activeOwner(store, 'one', 'app'), await activeOwner(store, 'two', 'app')];
    const first = await save(store, one, 20_000, 0n);
    const refusal =
      /^the states of all instances of this principal take 20003 bytes of the store; 5001 more .* limit of 25000$/;
    await expect(save(store, two, 4_998, 0n)).rejects.toThrow(refusal);
    await save(store, two, 4_994, 0n);
    // Nobody's else is refused, and neither is one that grows no further.
    await save(store, await activeOwner(store, 'three', 'another'), 20_000, 0n);
    const second = await save(store, one, 20_000, first);
    await expect(save(store, one, 20_001, second)).rejects.toThrow(StoreFullError);
    await save(store, one, 100, second);
    await save(store, two, 20_000, 1n);
  });

  test('a state moves to the share of the principal that saves it', async () => {
    const store = await create();
    await save(store, await activeOwner(store, 'one', 'old'), 20_000, 0n);
    await save(store, await activeOwner(store, 'one', 'new'), 20_000, 1n);
    await save(store, await activeOwner(store, 'two', 'old'), 20_000, 0n);
    await expect(save(store, await activeOwner(store, 'three', 'new'), 20_000, 0n)).rejects.toThrow(StoreFullError);
  });

  /** What takes room, and what gives it back; each is about 90,000 bytes. */
  const grown: [what: string, grow: (store: Store) => Promise<() => Promise<unknown>>][] = [
    [
      'deliveries that are not acknowledged',
      async (store) => {
        const owner = await activeOwner(store);
        await store.openSubscription(owner, everything);
        const positions = Array.from({ length: 2_800 }, (_, index) => BigInt(index) + 2n ** 60n);
        await store.recordDelivery(owner, 'all', { positions, cursor: positions.at(-1) ?? 0n });
        return () => store.acknowledge(owner, 'all', positions);
      },
    ],
    [
      'deliveries of a subscription that goes',
      async (store) => {
        const owner = await activeOwner(store);
        await store.openSubscription(owner, everything);
        const positions = Array.from({ length: 2_800 }, (_, index) => BigInt(index) + 2n ** 60n);
        await store.recordDelivery(owner, 'all', { positions, cursor: positions.at(-1) ?? 0n });
        return () => store.expireSubscriptions({ idleMs: -1, longestIdleMs: 10_000, inUse: () => false });
      },
    ],
    [
      'publishes that are not settled',
      async (store) => {
        const owner = await activeOwner(store, 'publisher');
        const count = 450n;
        for (let sequence = 1n; sequence <= count; sequence += 1n) {
          await store.append(owner, [message(sequence, { id: `${sequence}`.padStart(170, '0') })]);
        }
        return () => store.fence(owner);
      },
    ],
    [
      'owners',
      async (store) => {
        const reserved: Owner[] = [];
        for (let index = 0; index < 40; index += 1) {
          const start = { startedAtNs: 1n, principal: 'p'.repeat(2_200) };
          reserved.push({ instanceId: 'one', epoch: await store.reserve('one', start) });
        }
        const last = reserved.pop();
        return async () => last && store.activate(last);
      },
    ],
    [
      'decisions on grants',
      async (store) => {
        const decision = (by: string) =>
          Array.from({ length: 40 }, (_, index) => ({
            ...({ instanceId: 'one', action: 'publish', pattern: `a.${index}`, verdict: 'approved' } as const),
            ...{ by, decidedAtNs: 1n },
          }));
        await store.recordDecisions(decision('b'.repeat(2_200)));
        return () => store.recordDecisions(decision('b'));
      },
    ],
  ];

  test.each(grown)('%s take the room of messages, and give it back', async (_what, grow) => {
    const store = await create();
    const publisher = await activeOwner(store, 'someone-else');
    const shrink = await grow(store);
    const most = message(1n, { bytes: 30_000 });
    await expect(store.append(publisher, [most])).rejects.toThrow(StoreFullError);
    await shrink();
    expect(await store.append(publisher, [most])).toHaveLength(1);
  });

  test('names of subscriptions take the room of messages until the subscriptions are gone', async () => {
    const store = await create();
    const owner = await activeOwner(store);
    for (let index = 0; index < 400; index += 1) {
      const name = `${index}`.padStart(200, '0');
      await store.openSubscription(owner, { name, pattern: `a.${'b'.repeat(40)}`, start: { kind: 'new' } });
    }
    await expect(store.append(owner, [large])).rejects.toThrow(StoreFullError);
    await store.expireSubscriptions({ idleMs: -1, longestIdleMs: 10_000, inUse: () => false });
    expect(await store.append(owner, [large])).toHaveLength(1);
  });
}
