import { expect, test } from 'vitest';
import { type Owner, StaleEpochError, type Store } from '../../src/bus/store/store.ts';
import { create } from '../../src/contract/wire/codec/message.ts';
import { EnvelopeSchema } from '../../src/contract/wire/gen/meridian/v1/envelope_pb.ts';
import { VirtualScheduler } from '../../src/simulation/virtual-scheduler.ts';
import { activeOwner, type CreateStore, everything, message, startedAt } from './store-fixtures.ts';

/** What is about ownership itself. */
type Ownership = 'activate' | 'fence' | 'mayWrite';
/** Every operation of a store that names its owner: one that is added does not compile here until it is tried too. */
type OwnedWrite = Exclude<
  { [Name in keyof Store]: Parameters<Store[Name]> extends readonly [Owner, ...unknown[]] ? Name : never }[keyof Store],
  Ownership
>;

const writes: { readonly [Name in OwnedWrite]: (store: Store, owner: Owner) => Promise<unknown> } = {
  append: (store, owner) => store.append(owner, [message(1n)]),
  openSubscription: (store, owner) => store.openSubscription(owner, everything),
  recordDelivery: (store, owner) => store.recordDelivery(owner, 'all', { positions: [], cursor: 0n }),
  recordProgress: (store, owner) => store.recordProgress(owner, ['all'], 0n),
  acknowledge: (store, owner) => store.acknowledge(owner, 'all', []),
  requeue: (store, owner) => store.requeue(owner, 'all', []),
  nack: (store, owner) => store.nack(owner, 'all', []),
  takeFromMembers: (store, owner) => store.takeFromMembers({ ...owner, scope: 'pool@all' }, 'all', []),
  deadLetter: (store, owner) => store.deadLetter(owner, 'all', { position: 0n, letter: create(EnvelopeSchema) }),
  saveState: (store, owner) =>
    store.saveState(owner, { state: new Uint8Array(), expectedRevision: 0n, acknowledge: [] }),
};

export function describeFence(createStore: CreateStore): void {
  test.each(Object.entries(writes))(
    '%s is refused unless its epoch owns the instance id, or drains',
    async (_, write) => {
      const store = await createStore({ scheduler: new VirtualScheduler(1) });
      const fenced = await activeOwner(store);
      await store.fence(fenced);
      const reserved = { instanceId: 'one', epoch: await store.reserve('one', startedAt(0n)) };
      const draining = await activeOwner(store);
      const active = await activeOwner(store);
      const unknown = { instanceId: 'one', epoch: 7n };
      const ofAnother = { instanceId: 'two', epoch: active.epoch };
      for (const owner of [fenced, reserved, unknown, ofAnother]) {
        await expect(write(store, owner)).rejects.toThrow(StaleEpochError);
      }
      await write(store, draining);
      await store.fence(draining);
      await expect(write(store, draining)).rejects.toThrow(StaleEpochError);
    },
  );
}
