import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { batchMax, SessionPublishes, waitingMax } from '../../../src/bus/session/session-publishes.ts';
import { allWaitingMax, WaitingPublishes } from '../../../src/bus/session/waiting-publishes.ts';
import type { RetentionOptions } from '../../../src/bus/store/retention.ts';
import type { Owner } from '../../../src/bus/store/store.ts';
import { silentTelemetry } from '../../../src/bus/telemetry.ts';
import type { MessageInitShape } from '../../../src/contract/wire/codec/message.ts';
import type { PublishResultSchema } from '../../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { VirtualScheduler } from '../../../src/simulation/virtual-scheduler.ts';
import { HeldStore } from '../held-store.ts';
import { activeOwner, everything, idsIn, message } from '../store-fixtures.ts';

type Result = MessageInitShape<typeof PublishResultSchema>;

interface Scene {
  readonly store: HeldStore;
  readonly owner: Owner;
  readonly results: Result[];
  readonly failures: unknown[];
  readonly publishes: SessionPublishes;
}

async function scene(retention?: RetentionOptions): Promise<Scene> {
  const store = new HeldStore({ scheduler: new VirtualScheduler(1), ...(retention && { retention }) });
  const owner = await activeOwner(store);
  await store.openSubscription(owner, everything);
  const results: Result[] = [];
  const failures: unknown[] = [];
  return { store, owner, results, failures, publishes: startPublishes(store, owner, results, failures) };
}

function startPublishes(
  store: HeldStore,
  owner: Owner,
  results: Result[],
  failures: unknown[] = [],
  waiting = new WaitingPublishes(),
): SessionPublishes {
  return new SessionPublishes({
    owner,
    store,
    telemetry: silentTelemetry,
    waiting,
    answer: (result) => void results.push(result),
    onFailure: (error) => void failures.push(error),
  });
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const sequencesOf = (results: readonly Result[]): unknown[] => results.map(({ sequence }) => sequence);

describe('the publishes of one session', () => {
  test('that come while the store is busy are its next call, all together', async () => {
    const { store, publishes, results } = await scene();
    store.hold();
    publishes.add(message(1n));
    await turn();
    for (let sequence = 2n; sequence <= 100n; sequence += 1n) publishes.add(message(sequence));
    store.release();
    await publishes.settled();
    expect(store.appends.map(({ sequences }) => sequences.length)).toEqual([1, 99]);
    expect(results).toHaveLength(100);
  });

  test('that come in one turn are one call', async () => {
    const { store, publishes } = await scene();
    for (let sequence = 1n; sequence <= 100n; sequence += 1n) publishes.add(message(sequence));
    await publishes.settled();
    expect(store.appends.map(({ sequences }) => sequences.length)).toEqual([100]);
  });

  test('come in calls that are bounded in messages and in bytes', async () => {
    const { store, publishes } = await scene();
    store.hold();
    const small = batchMax.messages + 1;
    for (let index = 0; index < small; index += 1) publishes.add(message(BigInt(index + 1)));
    const large = batchMax.bytes / 4;
    for (let index = 0; index < 4; index += 1) publishes.add(message(BigInt(small + index + 1), { bytes: large }));
    store.release();
    await publishes.settled();
    expect(store.appends.map(({ sequences }) => sequences.length)).toEqual([batchMax.messages, 4, 1]);
  });

  test.each([
    ['messages', waitingMax.messages, 1],
    ['bytes', 20, waitingMax.bytes / 20],
  ])('fill up at the most %s that may wait, and there is room again once some are stored', async (_of, most, bytes) => {
    const { store, publishes } = await scene();
    store.hold();
    for (let index = 1; index < most; index += 1) publishes.add(message(BigInt(index), { bytes }));
    expect(publishes.isFull).toBe(false);
    publishes.add(message(BigInt(most), { bytes }));
    expect(publishes.isFull).toBe(true);
    store.release();
    await publishes.room();
    expect(publishes.isFull).toBe(false);
    await publishes.settled();
  });

  test('of many sessions share a limit, beyond which only those with little waiting are read on', async () => {
    const { store, owner } = await scene();
    store.hold();
    const waiting = new WaitingPublishes();
    const start = (): SessionPublishes => startPublishes(store, owner, [], [], waiting);
    const [large, other, small] = [start(), start(), start()];
    small.add(message(1n, { bytes: 1_000 }));
    let sequence = 1n;
    for (let bytes = 0; bytes < allWaitingMax.bytes; bytes += 2 ** 20) {
      expect([large.isFull, other.isFull]).toEqual([bytes >= waitingMax.bytes, false]);
      sequence += 1n;
      (large.isFull ? other : large).add(message(sequence, { bytes: 2 ** 20 }));
      if (other.isFull) break;
    }
    expect([large.isFull, other.isFull, small.isFull]).toEqual([true, true, false]);
    // What is dropped no longer counts.
    large.close();
    expect(waiting.isFull).toBe(false);
    store.release();
    await Promise.all([other.room(), other.settled(), small.settled()]);
    expect(other.isFull).toBe(false);
  });

  test('are refused alone when the store has no room for them, and a repeat of a stored one is not', async () => {
    const { store, owner, publishes, results } = await scene({ messages: 1, bytes: 1_000 });
    await store.append(owner, [message(1n, { bytes: 100 })]);
    store.hold();
    publishes.add(message(1n, { bytes: 100 }));
    publishes.add(message(1n, { bytes: 100 }));
    publishes.add(message(2n, { bytes: 2_000 }));
    publishes.add(message(3n, { bytes: 100 }));
    store.release();
    await publishes.settled();
    expect(results.map(({ accepted = false }) => accepted)).toEqual([true, true, false, true]);
    expect(results[2]?.refusalReason).toContain('the store is full');
    expect(await idsIn(store)).toEqual(['m1', 'm3']);
  });

  test('are all refused once their epoch is fenced', async () => {
    const { store, owner, publishes, results } = await scene();
    await store.fence(owner);
    publishes.add(message(1n));
    publishes.add(message(2n));
    await publishes.settled();
    expect(results.map(({ refusalReason }) => refusalReason)).toEqual([
      expect.stringContaining('does not own'),
      expect.stringContaining('does not own'),
    ]);
  });

  test('that the store was not asked to keep when the session ended never reach it', async () => {
    const { store, owner, publishes } = await scene();
    store.hold();
    for (let sequence = 1n; sequence <= 5n; sequence += 1n) publishes.add(message(sequence));
    publishes.close();
    const results: Result[] = [];
    const next = startPublishes(store, owner, results);
    // The next session repeats all, and settles them, before the first one hears of its one call.
    for (let sequence = 1n; sequence <= 5n; sequence += 1n) next.add(message(sequence));
    next.add(message(6n, { settledBelow: 6n }));
    store.release();
    await Promise.all([publishes.settled(), next.settled()]);
    expect(await idsIn(store)).toEqual(['m1', 'm2', 'm3', 'm4', 'm5', 'm6']);
    expect(sequencesOf(results)).toEqual([1n, 2n, 3n, 4n, 5n, 6n]);
  });

  test('fail together when the store does', async () => {
    const { store, publishes, results, failures } = await scene();
    const broken = new Error('the disk is gone');
    store.append = () => Promise.reject(broken);
    publishes.add(message(1n));
    publishes.add(message(2n));
    await publishes.settled();
    expect({ results, failures }).toEqual({ results: [], failures: [broken] });
  });

  test('are stored once and answered once, in their order, whatever is refused and repeated between', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ refused: fc.boolean(), bytes: fc.constantFrom(1, 400, 900), pause: fc.boolean() })),
        fc.nat(3),
        async (items, repeats) => {
          const { store, publishes, results } = await scene({ messages: 1, bytes: 2_000 });
          const sent: bigint[] = [];
          const send = (index: number): void => {
            const sequence = BigInt(index + 1);
            sent.push(sequence);
            if (items[index]?.refused) publishes.refuse(sequence, 'no', undefined);
            else publishes.add(message(sequence, { bytes: items[index]?.bytes ?? 1 }));
          };
          for (const [index, { pause }] of items.entries()) {
            send(index);
            if (pause) await sleepTurns(3);
          }
          for (let index = 0; index < Math.min(repeats, items.length); index += 1) send(index);
          await publishes.settled();
          expect(sequencesOf(results)).toEqual(sent);
          const stored = await idsIn(store);
          expect(new Set(stored).size).toBe(stored.length);
          const accepted = new Set(results.filter((result) => result.accepted).map(({ sequence }) => `m${sequence}`));
          expect(new Set(stored)).toEqual(accepted);
          const first = stored.slice(0, stored.length - repeats);
          expect(first).toEqual(first.toSorted((a, b) => Number(a?.slice(1)) - Number(b?.slice(1))));
        },
      ),
    ));
});

async function sleepTurns(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
}

test('a session that floods leaves the next call of the store but one to any other', async () => {
  const { store, publishes } = await scene();
  const other = await activeOwner(store, 'two');
  const quiet = startPublishes(store, other, []);
  store.hold();
  for (let index = 1; index <= waitingMax.messages; index += 1) publishes.add(message(BigInt(index)));
  quiet.add(message(1n));
  store.release();
  await quiet.settled();
  const callsBefore = store.appends.findIndex(({ instanceId }) => instanceId === other.instanceId);
  expect(callsBefore).toBe(1);
  await publishes.settled();
});
