import { expect, test } from 'vitest';
import {
  StaleEpochError,
  type Store,
  type SubscriptionPage,
  TooManySubscriptionsError,
} from '../../src/bus/store/store.ts';
import { VirtualScheduler } from '../../src/simulation/virtual-scheduler.ts';
import { activeOwner, appendIds, type CreateStore, everything, idOf, message, noneBefore } from './store-fixtures.ts';

export function describeSubscriptions(createStore: CreateStore): void {
  const open = (): Promise<Store> => createStore({ scheduler: new VirtualScheduler(1) });

  test('a subscription that starts new is past everything, and one that starts at a time is before what is newer', async () => {
    const store = await open();
    const owner = await activeOwner(store);
    await store.append(owner, [message(1n, { atNs: 10n }), message(2n, { atNs: 20n }), message(3n, { atNs: 30n })]);
    const after = async (name: string, start: { kind: 'new' } | { kind: 'time'; fromNs: bigint }) => {
      const { cursor } = await store.openSubscription(owner, { name, pattern: '**', start });
      return (await store.read(cursor, 10)).map(idOf);
    };
    expect(await after('new', { kind: 'new' })).toEqual([]);
    expect(await after('all', noneBefore)).toEqual(['m1', 'm2', 'm3']);
    expect(await after('exact', { kind: 'time', fromNs: 20n })).toEqual(['m2', 'm3']);
    expect(await after('between', { kind: 'time', fromNs: 21n })).toEqual(['m3']);
    expect(await after('future', { kind: 'time', fromNs: 31n })).toEqual([]);
  });

  test('every subscription is listed with what is unacknowledged, and one that is dropped is forgotten', async () => {
    const store = await open();
    const owner = await activeOwner(store);
    await store.openSubscription(owner, everything);
    await store.openSubscription(owner, { ...everything, name: 'other', pattern: 'a.*', idleExpiryMs: 5_000 });
    const [a = 0n] = await appendIds(store, owner, ['a']);
    await store.recordDelivery(owner, 'all', { positions: [a], cursor: a });
    const { instanceId } = owner;
    expect(await store.storedSubscriptions({ limit: 10 })).toEqual([
      { instanceId, name: 'all', pattern: '**', unacknowledged: 1, idleExpiryMs: undefined },
      { instanceId, name: 'other', pattern: 'a.*', unacknowledged: 0, idleExpiryMs: 5_000 },
    ]);
    expect(await store.dropSubscription({ instanceId, name: 'all' })).toBe(true);
    expect(await store.dropSubscription({ instanceId, name: 'all' })).toBe(false);
    expect((await store.storedSubscriptions({ limit: 10 })).map(({ name }) => name)).toEqual(['other']);
    expect(await store.unacknowledged({ instanceId, name: 'all' })).toBe(0);
  });

  test('stored subscriptions are listed page by page, in order, of every instance or of one', async () => {
    const store = await open();
    for (const instanceId of ['b', 'a', 'a-1']) {
      const owner = await activeOwner(store, instanceId);
      for (const name of ['two', 'one']) await store.openSubscription(owner, { ...everything, name });
    }
    const listed = async (page: Omit<SubscriptionPage, 'limit'>, limit = 10): Promise<string[]> =>
      (await store.storedSubscriptions({ ...page, limit })).map(({ instanceId, name }) => `${instanceId} ${name}`);
    expect(await listed({})).toEqual(['a one', 'a two', 'a-1 one', 'a-1 two', 'b one', 'b two']);
    expect(await listed({}, 2)).toEqual(['a one', 'a two']);
    expect(await listed({ after: { instanceId: 'a', name: 'two' } }, 3)).toEqual(['a-1 one', 'a-1 two', 'b one']);
    expect(await listed({ after: { instanceId: 'b', name: 'two' } })).toEqual([]);
    expect(await listed({ instanceId: 'a' })).toEqual(['a one', 'a two']);
    expect(await listed({ instanceId: 'a', after: { instanceId: 'a', name: 'one' } })).toEqual(['a two']);
    expect(await listed({ instanceId: 'c' })).toEqual([]);
  });

  test('the backlogs of some subscriptions are those of all, without the others', async () => {
    const store = await open();
    const owner = await activeOwner(store);
    for (const name of ['one', 'two']) await store.openSubscription(owner, { ...everything, name });
    await appendIds(store, owner, ['a', 'b']);
    const options = { countBytesAbove: 0 };
    const all = await store.backlogs(options);
    expect(new Map(all.map(({ name, messages }) => [name, messages]))).toEqual(
      new Map([
        ['one', 2],
        ['two', 2],
      ]),
    );
    const of = [{ instanceId: owner.instanceId, name: 'two' }];
    expect(await store.backlogs({ ...options, of })).toEqual(all.filter(({ name }) => name === 'two'));
    expect(await store.backlogs({ ...options, of: [] })).toEqual([]);
  });

  test('what is delivered and not acknowledged comes back in order with its attempts, also to the next epoch', async () => {
    const store = await open();
    const owner = await activeOwner(store);
    await store.openSubscription(owner, everything);
    const [a = 0n, b = 0n, c = 0n] = await appendIds(store, owner, ['a', 'b', 'c']);
    await store.recordDelivery(owner, 'all', { positions: [a, b], cursor: b });
    await store.recordDelivery(owner, 'all', { positions: [c], cursor: c });
    expect(await store.recordDelivery(owner, 'all', { positions: [b], cursor: b })).toEqual([b]);
    const { cursor, pending } = await store.openSubscription(await activeOwner(store), everything);
    expect(cursor).toBe(c);
    expect([...pending]).toEqual([
      [a, 1],
      [b, 2],
      [c, 1],
    ]);
  });

  test('what is acknowledged never comes back', async () => {
    const store = await open();
    const owner = await activeOwner(store);
    await store.openSubscription(owner, everything);
    const [a = 0n, b = 0n, c = 0n] = await appendIds(store, owner, ['a', 'b', 'c']);
    await store.recordDelivery(owner, 'all', { positions: [a, b, c], cursor: c });
    await store.acknowledge(owner, 'all', [b]);
    await store.acknowledge(owner, 'all', [b, a, 999n]);
    await store.acknowledge(owner, 'no such name', [c]);
    const { cursor, pending } = await store.openSubscription(owner, everything);
    expect(cursor).toBe(c);
    expect([...pending.keys()]).toEqual([c]);
  });

  test('what is acknowledged between opening and delivering again is not to be delivered', async () => {
    const store = await open();
    const owner = await activeOwner(store);
    await store.openSubscription(owner, everything);
    const [a = 0n, b = 0n, c = 0n] = await appendIds(store, owner, ['a', 'b', 'c']);
    expect(await store.recordDelivery(owner, 'all', { positions: [a, b], cursor: b })).toEqual([a, b]);
    await store.openSubscription(owner, everything);
    await store.acknowledge(owner, 'all', [a]);
    expect(await store.recordDelivery(owner, 'all', { positions: [a, b, c], cursor: c })).toEqual([b, c]);
    const { pending } = await store.openSubscription(owner, everything);
    expect([...pending.keys()]).toEqual([b, c]);
  });

  test('progress moves the positions of all that are named on, never back, and leaves what is pending', async () => {
    const store = await open();
    const owner = await activeOwner(store);
    for (const name of ['all', 'other', 'third']) await store.openSubscription(owner, { ...everything, name });
    const [a = 0n, b = 0n, c = 0n] = await appendIds(store, owner, ['a', 'b', 'c']);
    await store.recordDelivery(owner, 'all', { positions: [a], cursor: a });
    await store.recordDelivery(owner, 'third', { positions: [], cursor: c });
    await store.recordProgress(owner, ['all', 'other', 'third', 'no such name'], b);
    const positionOf = async (name: string) => {
      const { cursor, pending } = await store.openSubscription(owner, { ...everything, name });
      return [cursor, ...pending.keys()];
    };
    expect(await positionOf('all')).toEqual([b, a]);
    expect(await positionOf('other')).toEqual([b]);
    expect(await positionOf('third')).toEqual([c]);
  });

  test('a stale epoch cannot record progress', async () => {
    const store = await open();
    const stale = await activeOwner(store);
    const { cursor } = await store.openSubscription(stale, everything);
    const owner = await activeOwner(store);
    await store.fence(stale);
    await expect(store.recordProgress(stale, ['all'], cursor + 1n)).rejects.toThrow(StaleEpochError);
    expect((await store.openSubscription(owner, everything)).cursor).toBe(cursor);
  });

  test('a name with another pattern starts anew', async () => {
    const store = await open();
    const owner = await activeOwner(store);
    await store.openSubscription(owner, everything);
    const [a = 0n] = await appendIds(store, owner, ['a']);
    await store.recordDelivery(owner, 'all', { positions: [a], cursor: a });
    const { cursor, pending } = await store.openSubscription(owner, { ...everything, pattern: 'a.*' });
    expect(cursor).toBeLessThan(a);
    expect([...pending]).toEqual([]);
  });

  test('the same name of another instance is another subscription', async () => {
    const store = await open();
    const [one, two] = [await activeOwner(store, 'one'), await activeOwner(store, 'two')];
    for (const owner of [one, two]) await store.openSubscription(owner, everything);
    const [a = 0n] = await appendIds(store, one, ['a']);
    for (const owner of [one, two]) await store.recordDelivery(owner, 'all', { positions: [a], cursor: a });
    await store.acknowledge(one, 'all', [a]);
    expect([...(await store.openSubscription(one, everything)).pending.keys()]).toEqual([]);
    expect([...(await store.openSubscription(two, everything)).pending.keys()]).toEqual([a]);
  });

  test('a subscription expires when it was idle for longer than its time, and never while it is in use', async () => {
    const scheduler = new VirtualScheduler(1);
    const store = await createStore({ scheduler });
    const owner = await activeOwner(store);
    const [a = 0n] = await appendIds(store, owner, ['a']);
    for (const name of ['idle', 'used']) {
      await store.openSubscription(owner, { ...everything, name });
      await store.recordDelivery(owner, name, { positions: [a], cursor: a });
    }
    const expire = () =>
      store.expireSubscriptions({
        idleMs: 1_000,
        longestIdleMs: 10_000,
        inUse: (id, name) => id === 'one' && name === 'used',
      });
    await scheduler.advance(1_000);
    expect(await expire()).toBe(0);
    await scheduler.advance(1);
    expect(await expire()).toBe(1);
    const start = { kind: 'new' } as const;
    expect((await store.openSubscription(owner, { name: 'idle', pattern: '**', start })).pending.size).toBe(0);
    expect((await store.openSubscription(owner, { name: 'used', pattern: '**', start })).pending.size).toBe(1);
  });

  test('a subscription with an expiry of its own is kept for that long, by what it asked for last', async () => {
    const scheduler = new VirtualScheduler(1);
    const store = await createStore({ scheduler });
    const owner = await activeOwner(store);
    const spec = (name: string, idleExpiryMs?: number) => ({
      ...{ ...everything, name },
      ...(idleExpiryMs !== undefined && { idleExpiryMs }),
    });
    for (const each of [spec('default'), spec('brief', 100), spec('long', 5_000), spec('changed', 5_000)]) {
      await store.openSubscription(owner, each);
    }
    await store.openSubscription(owner, spec('changed', 100));
    const expire = () => store.expireSubscriptions({ idleMs: 1_000, longestIdleMs: 10_000, inUse: () => false });
    await scheduler.advance(101);
    expect(await expire()).toBe(2);
    await scheduler.advance(900);
    expect(await expire()).toBe(1);
    await scheduler.advance(4_000);
    expect(await expire()).toBe(1);
  });

  test('an expiry is cut to the longest that holds when it is judged', async () => {
    const scheduler = new VirtualScheduler(1);
    const store = await createStore({ scheduler });
    const owner = await activeOwner(store);
    await store.openSubscription(owner, { ...everything, idleExpiryMs: (2 ** 32 - 1) * 1_000 });
    await store.openSubscription(owner, { ...everything, name: 'default' });
    const expire = (longestIdleMs: number) =>
      store.expireSubscriptions({ idleMs: 6_000, longestIdleMs, inUse: () => false });
    await scheduler.advance(5_001);
    expect(await expire(10_000)).toBe(0);
    expect(await expire(5_000)).toBe(1);
    await scheduler.advance(1_000);
    expect(await expire(5_000)).toBe(1);
  });

  test('a name beyond the most that an instance may have stored is refused, and leaves nothing', async () => {
    const scheduler = new VirtualScheduler(1);
    const store = await createStore({ scheduler });
    const [one, two] = [await activeOwner(store, 'one'), await activeOwner(store, 'two')];
    const spec = (name: string) => ({ ...everything, name, storedMax: 2 });
    for (const name of ['a', 'b', 'a']) await store.openSubscription(one, spec(name));
    await store.openSubscription(one, { ...spec('b'), pattern: 'other.*' });
    await store.openSubscription(two, spec('c'));
    const refused = store.openSubscription(one, spec('c'));
    await expect(refused).rejects.toThrow(TooManySubscriptionsError);
    await expect(refused).rejects.toMatchObject({ counts: { stored: 2, limit: 2 } });
    await scheduler.advance(1_001);
    const inUse = (id: string, name: string) => id === 'one' && name === 'b';
    expect(await store.expireSubscriptions({ idleMs: 1_000, longestIdleMs: 1_000, inUse })).toBe(2);
    await store.openSubscription(one, spec('c'));
    await expect(store.openSubscription(one, spec('d'))).rejects.toThrow(TooManySubscriptionsError);
  });
}
