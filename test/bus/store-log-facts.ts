import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Store, StoredMessage } from '../../src/bus/store/store.ts';
import { matchTopic } from '../../src/contract/wire/topics/topic.ts';
import { VirtualScheduler } from '../../src/simulation/virtual-scheduler.ts';
import { activeOwner, appendIds, type CreateStore, idOf, idsIn, message } from './store-fixtures.ts';

const topics = ['a', 'a.b', 'a.b.c', 'b.b', 'A.b'];
const patterns = [...topics, '*', '**', 'a.*', 'a.**', '*.b', '*.*.c'];

export function describeAppending(createStore: CreateStore): void {
  const open = (): Promise<Store> => createStore({ scheduler: new VirtualScheduler(1) });

  test('messages are read in the order in which they were appended, at ascending positions', async () => {
    const store = await open();
    const [one, two] = [await activeOwner(store, 'one'), await activeOwner(store, 'two')];
    await store.append(one, [message(1n, { id: 'a' }), message(2n, { id: 'b' })]);
    await store.append(two, [message(1n, { id: 'c' })]);
    await store.append(one, [message(3n, { id: 'd' })]);
    expect(await idsIn(store)).toEqual(['a', 'b', 'c', 'd']);
    const all = await store.read(0n, 10);
    const positions = all.map(({ position }) => position);
    expect(positions).toEqual(positions.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(await store.read(positions[0] ?? 0n, 2)).toEqual(all.slice(1, 3));
    expect(await store.get(positions[2] ?? 0n)).toEqual(all[2]);
    expect(await store.get((positions[3] ?? 0n) + 1n)).toBeUndefined();
  });

  test('what a pattern matches is read in order, with how far that is and what is not kept any more', async () => {
    const steps = fc.record({
      published: fc.array(fc.constantFrom(...topics), { minLength: 1, maxLength: 20 }),
      pattern: fc.constantFrom(...patterns),
      limit: fc.integer({ min: 1, max: 4 }),
      retained: fc.integer({ min: 1, max: 20 }),
    });
    const read = async ({
      published,
      pattern,
      limit,
      retained,
    }: typeof steps extends fc.Arbitrary<infer T> ? T : never) => {
      const store = await createStore({
        scheduler: new VirtualScheduler(1),
        retention: { messages: retained, bytes: 1_000_000 },
      });
      const owner = await activeOwner(store);
      const { cursor: start } = await store.openSubscription(owner, { name: 'x', pattern, start: { kind: 'new' } });
      await store.stopRetainingFor([{ instanceId: 'one', name: 'x' }]);
      for (const [index, topic] of published.entries())
        await store.append(owner, [message(BigInt(index + 1), { topic })]);
      const kept = await store.read(0n, 100);
      const first = await store.readMatching(pattern, start, limit);
      expect(first.missed).toBe(Number((kept[0]?.position ?? 0n) - start) - 1);
      const found = [...first.messages];
      for (let next = first; !next.isAtEnd; ) {
        expect(next.messages.length).toBeLessThanOrEqual(limit);
        next = await store.readMatching(pattern, next.cursor, limit);
        expect(next.missed).toBe(0);
        found.push(...next.messages);
      }
      expect(found).toEqual(kept.filter(({ topic }) => matchTopic(pattern, topic)));
      const after = await store.readMatching(pattern, start + BigInt(published.length), limit);
      expect(after).toMatchObject({
        messages: [],
        missed: 0,
        isAtEnd: true,
        cursor: start + BigInt(published.length),
      });
    };
    await fc.assert(fc.asyncProperty(steps, read), { numRuns: 30 });
  });

  test('a repeated sequence is answered with its first message id and stored once', async () => {
    const store = await open();
    const owner = await activeOwner(store);
    await store.append(owner, [message(1n, { id: 'first' })]);
    expect(await store.append(owner, [message(1n, { id: 'first' })])).toEqual([
      { messageId: 'first', duplicate: false },
    ]);
    const [again] = await store.append(owner, [message(1n, { id: 'other' })]);
    expect(again?.messageId).toBe('first');
    expect(await idsIn(store)).toEqual(['first']);
  });

  test('the same sequence of another instance is another message', async () => {
    const store = await open();
    await store.append(await activeOwner(store, 'one'), [message(1n, { id: 'a' })]);
    await store.append(await activeOwner(store, 'two'), [message(1n, { id: 'b' })]);
    expect(await idsIn(store)).toEqual(['a', 'b']);
  });

  test('settledBelow forgets the sequences below it and no other', async () => {
    const store = await open();
    const owner = await activeOwner(store);
    await store.append(owner, [message(1n), message(2n), message(3n, { settledBelow: 2n })]);
    await store.append(owner, [message(2n), message(3n)]);
    expect(await idsIn(store)).toEqual(['m1', 'm2', 'm3']);
    await store.append(owner, [message(1n)]);
    expect(await idsIn(store)).toEqual(['m1', 'm2', 'm3', 'm1']);
  });

  test('a dedup key is answered with the first message id within its window and stored anew after it', async () => {
    const scheduler = new VirtualScheduler(1);
    const store = await createStore({ scheduler, dedupWindowMs: 1_000 });
    const owner = await activeOwner(store);
    const publish = async (sequence: bigint, topic = 'a.b') =>
      (await store.append(owner, [message(sequence, { dedupKey: 'key', topic })]))[0];
    expect(await publish(1n)).toEqual({ messageId: 'm1', duplicate: false });
    await scheduler.advance(999);
    expect(await publish(2n)).toEqual({ messageId: 'm1', duplicate: true });
    expect(await publish(2n)).toEqual({ messageId: 'm1', duplicate: true });
    expect(await publish(3n, 'a.c')).toEqual({ messageId: 'm3', duplicate: false });
    await scheduler.advance(1);
    expect(await publish(4n)).toEqual({ messageId: 'm4', duplicate: false });
    expect(await publish(5n)).toEqual({ messageId: 'm4', duplicate: true });
    expect(await idsIn(store)).toEqual(['m1', 'm3', 'm4']);
  });

  test('a dedup key outlives the epoch and is not shared between instances', async () => {
    const store = await open();
    await store.append(await activeOwner(store), [message(1n, { id: 'a', dedupKey: 'key' })]);
    const [again] = await store.append(await activeOwner(store), [message(1n, { id: 'b', dedupKey: 'key' })]);
    expect(again).toEqual({ messageId: 'a', duplicate: true });
    const two = await activeOwner(store, 'two');
    expect(await store.append(two, [message(1n, { id: 'c', dedupKey: 'key' })])).toEqual([
      { messageId: 'c', duplicate: false },
    ]);
  });

  test('a listener is passed what is added, as it is read, in the order of the log', async () => {
    const store = await open();
    const added: StoredMessage[] = [];
    store.onAppend((messages) => added.push(...messages));
    const [one, two] = [await activeOwner(store, 'one'), await activeOwner(store, 'two')];
    await Promise.all([
      store.append(one, [message(1n, { id: 'a', dedupKey: 'key' }), message(2n, { id: 'b', topic: 'b' })]),
      store.append(two, [message(1n, { id: 'c' })]),
      store.append(one, [
        message(3n, { id: 'again', dedupKey: 'key' }),
        message(1n, { id: 'a' }),
        message(4n, { id: 'd' }),
      ]),
      store.append(two, [message(1n, { id: 'c' }), message(2n, { id: 'e' })]),
    ]);
    expect(added).toEqual(await store.read(0n, 10));
    expect(added.map(idOf)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('a listener is told of every append until it stops listening', async () => {
    const store = await open();
    const owner = await activeOwner(store);
    let told = 0;
    const stop = store.onAppend(() => {
      told += 1;
    });
    await appendIds(store, owner, ['a']);
    await appendIds(store, owner, ['b']);
    stop();
    await appendIds(store, owner, ['c']);
    expect(told).toBe(2);
  });
}
