import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Owner, type Store, StoreFullError } from '../../src/bus/store/store.ts';
import { VirtualScheduler } from '../../src/simulation/virtual-scheduler.ts';
import { activeOwner, type CreateStore, everything, idOf, idsIn, message } from './store-fixtures.ts';

/** Room for three of these messages and not for four. */
const retention = { messages: 1, bytes: 3_500 };
const bytes = 1_000;

interface ModelSubscription {
  cursor: bigint;
  readonly pending: Set<bigint>;
}

/** What a store that trims must still do: everything that some subscription is not finished with is there. */
class Model {
  appended = 0n;
  readonly log: { readonly position: bigint; readonly id: string }[] = [];
  readonly subscriptions = new Map<string, ModelSubscription>();

  /** The first position that some subscription has not finished with. */
  neededFrom(): bigint {
    const wanted = [...this.subscriptions.values()].flatMap(({ cursor, pending }) => [cursor + 1n, ...pending]);
    const [first] = wanted.toSorted((a, b) => (a < b ? -1 : 1));
    return first ?? (this.log.at(-1)?.position ?? 0n) + 1n;
  }

  get needed(): readonly { readonly position: bigint; readonly id: string }[] {
    const from = this.neededFrom();
    return this.log.filter(({ position }) => position >= from);
  }
}

interface Step {
  readonly do: 'append' | 'open' | 'deliver' | 'acknowledge';
  readonly name: string;
  readonly count: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom('append', 'append', 'open', 'deliver', 'deliver', 'acknowledge', 'acknowledge'),
  name: fc.constantFrom('x', 'y'),
  count: fc.integer({ min: 1, max: 3 }),
});

async function take(store: Store, owner: Owner, model: Model, { do: what, name, count }: Step): Promise<void> {
  const subscription = model.subscriptions.get(name);
  if (what === 'append') await append(store, owner, model);
  if (what === 'open') await open(store, owner, model, name);
  if (what === 'deliver' && subscription) {
    const read = await store.read(subscription.cursor, count);
    const expected = model.log.filter(({ position }) => position > subscription.cursor).slice(0, count);
    expect(read.map(({ position }) => position)).toEqual(expected.map(({ position }) => position));
    const positions = read.map(({ position }) => position);
    const cursor = positions.at(-1) ?? subscription.cursor;
    await store.recordDelivery(owner, name, { positions, cursor });
    subscription.cursor = cursor;
    for (const position of positions) subscription.pending.add(position);
  }
  if (what === 'acknowledge' && subscription) {
    const positions = [...subscription.pending].slice(0, count);
    await store.acknowledge(owner, name, positions);
    for (const position of positions) subscription.pending.delete(position);
  }
}

async function append(store: Store, owner: Owner, model: Model): Promise<void> {
  model.appended += 1n;
  const id = `m${model.appended}`;
  try {
    await store.append(owner, [message(model.appended, { bytes })]);
    const [added] = await store.read(model.log.at(-1)?.position ?? 0n, 1);
    if (added) model.log.push({ position: added.position, id });
    else expect(model.subscriptions.size).toBe(0);
  } catch (error) {
    expect(error).toBeInstanceOf(StoreFullError);
    expect(model.needed.length).toBeGreaterThanOrEqual(3);
  }
}

async function open(store: Store, owner: Owner, model: Model, name: string): Promise<void> {
  const known = model.subscriptions.get(name);
  const opened = await store.openSubscription(owner, { name, pattern: '**', start: { kind: 'new' } });
  if (known) expect(opened.cursor).toBe(known.cursor);
  expect([...opened.pending.keys()]).toEqual([...(known?.pending ?? [])].toSorted((a, b) => (a < b ? -1 : 1)));
  if (!known) model.subscriptions.set(name, { cursor: opened.cursor, pending: new Set() });
}

export function describeRetention(createStore: CreateStore, propertyRuns: number): void {
  const openStore = (): Promise<Store> => createStore({ scheduler: new VirtualScheduler(1), retention });

  test('a store full of unacknowledged messages refuses more and loses nothing', async () => {
    const store = await openStore();
    const owner = await activeOwner(store);
    await store.openSubscription(owner, everything);
    await store.append(
      owner,
      [1n, 2n, 3n].map((sequence) => message(sequence, { bytes })),
    );
    await expect(store.append(owner, [message(4n, { bytes })])).rejects.toThrow(StoreFullError);
    expect(await idsIn(store)).toEqual(['m1', 'm2', 'm3']);
  });

  test('messages appended together are refused together', async () => {
    const store = await openStore();
    const owner = await activeOwner(store);
    await store.openSubscription(owner, everything);
    await store.append(
      owner,
      [1n, 2n].map((sequence) => message(sequence, { bytes })),
    );
    await expect(
      store.append(
        owner,
        [3n, 4n].map((sequence) => message(sequence, { bytes })),
      ),
    ).rejects.toThrow(StoreFullError);
    expect(await idsIn(store)).toEqual(['m1', 'm2']);
    await store.append(owner, [message(3n, { bytes })]);
    expect(await idsIn(store)).toEqual(['m1', 'm2', 'm3']);
  });

  test('a full store still recognises a repeated sequence', async () => {
    const store = await openStore();
    const owner = await activeOwner(store);
    await store.openSubscription(owner, everything);
    await store.append(
      owner,
      [1n, 2n, 3n].map((sequence) => message(sequence, { bytes })),
    );
    expect(await store.append(owner, [message(2n, { bytes })])).toEqual([{ messageId: 'm2', duplicate: false }]);
  });

  test('a full store takes the next message as soon as there is room for it', async () => {
    const store = await openStore();
    const owner = await activeOwner(store);
    await store.openSubscription(owner, everything);
    await store.append(
      owner,
      [1n, 2n, 3n].map((sequence) => message(sequence, { bytes })),
    );
    const positions = (await store.read(0n, 10)).map(({ position }) => position);
    await store.recordDelivery(owner, 'all', { positions, cursor: positions[2] ?? 0n });
    await store.acknowledge(owner, 'all', positions.slice(0, 1));
    await store.append(owner, [message(4n, { bytes })]);
    expect((await idsIn(store)).slice(-3)).toEqual(['m2', 'm3', 'm4']);
  });

  test('what nobody needs makes room even for a message larger than half of the store', async () => {
    const store = await openStore();
    const owner = await activeOwner(store);
    await store.append(owner, [message(1n, { bytes })]);
    expect(await store.append(owner, [message(2n, { bytes: 3_000 })])).toEqual([{ messageId: 'm2', duplicate: false }]);
  });

  test('trimming never drops what a subscription still needs, and nothing else makes the store full', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const store = await openStore();
        const owner = await activeOwner(store);
        const model = new Model();
        for (const each of steps) await take(store, owner, model, each);
        const from = model.neededFrom();
        const stillThere = (await store.read(from - 1n, 1_000)).map(({ position }) => position);
        expect(stillThere).toEqual(model.needed.map(({ position }) => position));
        for (const { position, id } of model.needed) {
          const found = await store.get(position);
          expect(found && idOf(found)).toBe(id);
        }
      }),
      { numRuns: propertyRuns },
    );
  });
}
