import type { Owner, Store } from '../../src/bus/store/store.ts';
import { activeOwner, idOf, message } from '../bus/store-fixtures.ts';

export interface Load {
  /** Ends when at least this many messages of all owners were accepted. Resolves with their ids, by owner. */
  stop(atLeast: number): Promise<ReadonlyMap<string, readonly string[]>>;
}

/** Owners that append all the time, 32 messages at once, each on a topic of its own name. */
export async function startLoad(store: Store, owners = 8): Promise<Load> {
  const all = await Promise.all(Array.from({ length: owners }, (_, index) => activeOwner(store, `i${index}`)));
  let least = Number.POSITIVE_INFINITY;
  const done = all.map(async (owner) => {
    const accepted: string[] = [];
    while (accepted.length < least) accepted.push(...(await appendNext(store, owner, accepted.length + 1)));
    return [owner.instanceId, accepted] as const;
  });
  return {
    async stop(atLeast) {
      least = atLeast / owners;
      return new Map(await Promise.all(done));
    },
  };
}

/** Appends 32 messages from a sequence. Resolves with their ids. */
export async function appendNext(store: Store, owner: Owner, first: number): Promise<string[]> {
  const sequences = Array.from({ length: 32 }, (_, at) => BigInt(first + at));
  const idFor = (sequence: bigint): string => `${owner.instanceId}-${owner.epoch}-${sequence}`;
  const options = { settledBelow: BigInt(first), topic: owner.instanceId };
  await store.append(
    owner,
    sequences.map((each) => message(each, { id: idFor(each), ...options })),
  );
  return sequences.map(idFor);
}

/** The ids of everything that is stored, by topic, in the order of the log. */
export async function storedByTopic(store: Store): Promise<ReadonlyMap<string, readonly (string | undefined)[]>> {
  const byTopic = Map.groupBy(await store.read(0n, 2_000_000), ({ topic }) => topic);
  return new Map([...byTopic].map(([topic, stored]) => [topic, stored.map(idOf)]));
}
