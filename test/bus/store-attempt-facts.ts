import { expect, test } from 'vitest';
import { type Owner, StaleEpochError, type Store, StoreFullError } from '../../src/bus/store/store.ts';
import { create } from '../../src/contract/wire/codec/message.ts';
import { EnvelopeSchema } from '../../src/contract/wire/gen/meridian/v1/envelope_pb.ts';
import { VirtualScheduler } from '../../src/simulation/virtual-scheduler.ts';
import { activeOwner, appendIds, type CreateStore, envelopeIn, everything, idsIn, message } from './store-fixtures.ts';

const letter = create(EnvelopeSchema, { meta: { messageId: 'letter', topic: 'dead' }, payload: new Uint8Array(10) });

export function describeAttempts(createStore: CreateStore): void {
  /** A store with three messages, all of them delivered once. */
  async function delivered(): Promise<{ store: Store; owner: Owner; a: bigint; b: bigint; c: bigint }> {
    const store = await createStore({ scheduler: new VirtualScheduler(1) });
    const owner = await activeOwner(store);
    await store.openSubscription(owner, everything);
    const [a = 0n, b = 0n, c = 0n] = await appendIds(store, owner, ['a', 'b', 'c']);
    await store.recordDelivery(owner, 'all', { positions: [a, b, c], cursor: c });
    return { store, owner, a, b, c };
  }
  const pendingOf = async (store: Store, owner: Owner, inHand: readonly bigint[] = []) => [
    ...(await store.openSubscription(owner, { ...everything, inHand })).pending,
  ];

  test('what an epoch left under way when it ended were attempts', async () => {
    const { store, a, b, c } = await delivered();
    const next = await activeOwner(store);
    expect(await pendingOf(store, next)).toEqual([
      [a, 1],
      [b, 1],
      [c, 1],
    ]);
    await store.recordDelivery(next, 'all', { positions: [a], cursor: c });
    expect(await pendingOf(store, await activeOwner(store))).toEqual([
      [a, 2],
      [b, 1],
      [c, 1],
    ]);
  });

  test('what the same epoch does not have in hand got lost on its way, and was no attempt; what it has goes on', async () => {
    const { store, owner, a, b, c } = await delivered();
    expect(await pendingOf(store, owner, [b])).toEqual([
      [a, 0],
      [c, 0],
    ]);
    expect(await pendingOf(store, owner, [b])).toEqual([
      [a, 0],
      [c, 0],
    ]);
    expect(await pendingOf(store, owner)).toEqual([
      [a, 0],
      [b, 0],
      [c, 0],
    ]);
  });

  test('what a sidecar has in hand goes on under the new epoch that it had to take', async () => {
    const { store, a, b, c } = await delivered();
    const next = await activeOwner(store);
    expect(await pendingOf(store, next, [a, b])).toEqual([[c, 1]]);
    expect(await pendingOf(store, next, [a])).toEqual([
      [b, 0],
      [c, 1],
    ]);
  });

  test('handing back leaves an attempt only of what failed, and nothing under way', async () => {
    const { store, owner, a, b, c } = await delivered();
    await store.requeue(owner, 'all', [b, 999n]);
    await store.requeue(owner, 'all', [a]);
    await store.requeue(owner, 'no such name', [a]);
    const pending = [
      [a, 0],
      [b, 1],
      [c, 0],
    ];
    expect(await pendingOf(store, owner, [a, b, c])).toEqual(pending);
    expect(await pendingOf(store, await activeOwner(store))).toEqual(pending);
  });

  test('a nack ends a delivery as an attempt, counts once however often it is sent, and knows what is acknowledged', async () => {
    const { store, owner, a, b, c } = await delivered();
    await store.acknowledge(owner, 'all', [c]);
    const failed = [a, c, 999n].map((position) => ({ position, attempt: 1 }));
    expect([...(await store.nack(owner, 'all', failed))]).toEqual([[a, 1]]);
    expect([...(await store.nack(owner, 'all', failed))]).toEqual([[a, 1]]);
    expect([...(await store.nack(owner, 'no such name', failed))]).toEqual([]);
    expect(await pendingOf(store, owner, [a, b])).toEqual([[a, 1]]);
  });

  test('a dead letter is appended and its position acknowledged, once', async () => {
    const { store, owner, a, b, c } = await delivered();
    let appended = 0;
    store.onAppend(() => {
      appended += 1;
    });
    await store.deadLetter(owner, 'all', { position: b, letter });
    expect(appended).toBe(1);
    await store.deadLetter(owner, 'all', { position: b, letter });
    await store.deadLetter(owner, 'all', { position: 999n, letter });
    await store.deadLetter(owner, 'no such name', { position: a, letter });
    expect(await idsIn(store)).toEqual(['a', 'b', 'c', 'letter']);
    expect(await pendingOf(store, owner, [a, c])).toEqual([]);
    const stored = (await store.read(c, 10)).map(envelopeIn);
    expect(stored).toEqual([letter]);
  });

  test('a dead letter that the store has no room for leaves everything as it was', async () => {
    const store = await createStore({
      scheduler: new VirtualScheduler(1),
      retention: { messages: 1, bytes: 1_000 },
    });
    const owner = await activeOwner(store);
    await store.openSubscription(owner, everything);
    await store.append(owner, [message(1n, { bytes: 900 })]);
    const [position = 0n] = (await store.read(0n, 1)).map((stored) => stored.position);
    await store.recordDelivery(owner, 'all', { positions: [position], cursor: position });
    const large = create(EnvelopeSchema, { payload: new Uint8Array(900) });
    await expect(store.deadLetter(owner, 'all', { position, letter: large })).rejects.toThrow(StoreFullError);
    expect(await idsIn(store)).toEqual(['m1']);
    expect(await pendingOf(store, await activeOwner(store))).toEqual([[position, 1]]);
  });

  test('a stale epoch can neither requeue, nor nack, nor dead-letter', async () => {
    const { store, owner: stale, a } = await delivered();
    const owner = await activeOwner(store);
    await store.fence(stale);
    const failed = [{ position: a, attempt: 7 }];
    await expect(store.requeue(stale, 'all', [])).rejects.toThrow(StaleEpochError);
    await expect(store.nack(stale, 'all', failed)).rejects.toThrow(StaleEpochError);
    await expect(store.deadLetter(stale, 'all', { position: a, letter })).rejects.toThrow(StaleEpochError);
    expect((await pendingOf(store, owner))[0]).toEqual([a, 1]);
    expect(await idsIn(store)).toEqual(['a', 'b', 'c']);
  });
}
