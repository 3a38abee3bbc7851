import { expect, test } from 'vitest';
import { type Owner, StaleEpochError, type Store } from '../../src/bus/store/store.ts';
import { VirtualScheduler } from '../../src/simulation/virtual-scheduler.ts';
import { activeOwner, appendIds, type CreateStore, everything } from './store-fixtures.ts';

const scope = 'SignalPool@someone';

export function describeGroups(createStore: CreateStore): void {
  /** A group with two members and three messages: `a` and `c` are in flight to the first, `b` to the second. */
  async function shared() {
    const store = await createStore({ scheduler: new VirtualScheduler(1) });
    const [one, two] = [
      { ...(await activeOwner(store, 'one')), scope },
      { ...(await activeOwner(store, 'two')), scope },
    ];
    for (const member of [one, two]) await store.openSubscription(member, everything);
    const [a = 0n, b = 0n, c = 0n] = await appendIds(store, one, ['a', 'b', 'c']);
    const record = { positions: [a, b, c], cursor: c, to: [one, two, one] };
    expect(await store.recordDelivery(two, 'all', record)).toEqual([a, b, c]);
    return { store, one, two, a, b, c };
  }
  const opened = async (store: Store, member: Owner, inHand: readonly bigint[] = []) => {
    const { pending, inFlight } = await store.openSubscription(member, { ...everything, inHand });
    return {
      pending: [...pending],
      inFlight: [...(inFlight ?? [])].map(([position, { owner }]) => [position, owner.instanceId]),
    };
  };

  test('a group has one position, and its members are told what is in flight to whom', async () => {
    const { store, one, two, a, b, c } = await shared();
    const three = { ...(await activeOwner(store, 'three')), scope };
    const { cursor } = await store.openSubscription(three, everything);
    expect(cursor).toBe(c);
    expect(await opened(store, three)).toEqual({
      pending: [],
      inFlight: [
        [a, 'one'],
        [b, 'two'],
        [c, 'one'],
      ],
    });
    expect(await store.unacknowledged({ instanceId: scope, name: 'all' })).toBe(3);
    await store.acknowledge(one, 'all', [a]);
    await store.acknowledge(two, 'all', [b]);
    expect(await opened(store, three)).toEqual({ pending: [], inFlight: [[c, 'one']] });
  });

  test('the same name of an instance itself, and of another scope, is another subscription', async () => {
    const { store, one, c } = await shared();
    const { instanceId, epoch } = one;
    const own = await store.openSubscription({ instanceId, epoch }, everything);
    expect(own.cursor).toBeLessThan(c);
    expect(own.pending.size).toBe(0);
    const other = await store.openSubscription({ ...one, scope: 'OtherPool@someone' }, everything);
    expect(other.cursor).toBeLessThan(c);
    expect((await store.storedSubscriptions({})).map(({ instanceId: keeper }) => keeper)).toEqual([
      'OtherPool@someone',
      scope,
      'one',
    ]);
  });

  test('a member that opens again settles its own deliveries, and nobody else’s', async () => {
    const { store, one, two, a, b, c } = await shared();
    expect(await opened(store, one, [c])).toEqual({
      pending: [[a, 0]],
      inFlight: [
        [b, 'two'],
        [c, 'one'],
      ],
    });
    const later = { ...(await activeOwner(store, 'two')), scope };
    expect(await opened(store, later, [a, c])).toEqual({
      pending: [
        [a, 0],
        [b, 1],
      ],
      inFlight: [[c, 'one']],
    });
    await store.fence(two);
    await expect(store.acknowledge(two, 'all', [b])).rejects.toThrow(StaleEpochError);
  });

  test('what a member requeues was no attempt, except what failed', async () => {
    const { store, one, two, a, b, c } = await shared();
    await store.requeue(one, 'all', [c, b]);
    expect(await opened(store, two, [b])).toEqual({
      pending: [
        [a, 0],
        [c, 1],
      ],
      inFlight: [[b, 'two']],
    });
  });

  test('a member nacks its own deliveries only', async () => {
    const { store, one, two, a, b } = await shared();
    const failed = [
      { position: a, attempt: 1 },
      { position: b, attempt: 1 },
    ];
    expect([...(await store.nack(one, 'all', failed))]).toEqual([[a, 1]]);
    expect((await opened(store, two, [b])).inFlight).toContainEqual([b, 'two']);
  });

  test('what is in flight to a sidecar that is gone can be taken, as an attempt', async () => {
    const { store, one, two, a, b, c } = await shared();
    await store.acknowledge(one, 'all', [a]);
    const { instanceId, epoch } = one;
    const earlier = { instanceId, epoch: epoch - 1n };
    expect([...(await store.takeFromMembers(two, 'all', [earlier]))]).toEqual([]);
    expect([...(await store.takeFromMembers(two, 'all', [{ instanceId, epoch }]))]).toEqual([[c, 1]]);
    const record = { positions: [c], cursor: c, to: [two] };
    expect(await store.recordDelivery(two, 'all', record)).toEqual([c]);
    const three = { ...(await activeOwner(store, 'three')), scope };
    expect(await opened(store, three)).toEqual({
      pending: [],
      inFlight: [
        [b, 'two'],
        [c, 'two'],
      ],
    });
  });

  test('a message that has to wait is recorded, and its first delivery is its first attempt', async () => {
    const { store, one, two } = await shared();
    const [d = 0n, e = 0n] = await appendIds(store, one, ['d', 'e']);
    await store.recordDelivery(one, 'all', { positions: [d, e], cursor: e, to: [undefined, undefined] });
    const waiting = async () => (await opened(store, two)).pending;
    expect(await waiting()).toContainEqual([d, 0]);
    await store.recordDelivery(one, 'all', { positions: [d], cursor: e, to: [two] });
    await store.requeue(two, 'all', [d]);
    expect(await waiting()).toContainEqual([d, 1]);
    expect(await waiting()).toContainEqual([e, 0]);
  });

  test('a state and acks of a group are saved together', async () => {
    const { store, one, two, a, c } = await shared();
    const acknowledge = [{ name: 'all', positions: [a], scope }];
    await store.saveState(one, { state: new Uint8Array([1]), expectedRevision: 0n, acknowledge });
    expect((await opened(store, two, [])).inFlight).toEqual([[c, 'one']]);
  });
}
