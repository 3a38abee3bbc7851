import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LogTail } from '../../../src/bus/session/log-tail.ts';
import { SubscriptionFeed } from '../../../src/bus/session/subscription-feed.ts';
import { MemoryStore } from '../../../src/bus/store/in-memory/memory-store.ts';
import type { MatchingMessages, Owner, StoredMessage, SubscriptionSpec } from '../../../src/bus/store/store.ts';
import { matchTopic } from '../../../src/contract/wire/topics/topic.ts';
import { VirtualScheduler } from '../../../src/simulation/virtual-scheduler.ts';
import { activeOwner, message, noneBefore } from '../store-fixtures.ts';

const topics = ['a', 'a.b', 'b.b', 'b.c'];
const patterns = ['**', 'a.*', '*.b', 'b.**', 'c'];

/** Counts what is read of it, and answers when it is let. */
class ReadStore extends MemoryStore {
  reads = 0;
  readonly #slow: () => Promise<void>;

  constructor(scheduler: VirtualScheduler, slow: () => Promise<void>) {
    super({ scheduler });
    this.#slow = slow;
  }

  override async read(after: bigint, limit: number): Promise<readonly StoredMessage[]> {
    this.reads += 1;
    await this.#slow();
    return super.read(after, limit);
  }

  override async readMatching(pattern: string, after: bigint, limit: number): Promise<MatchingMessages> {
    const read = await super.readMatching(pattern, after, limit);
    await this.#slow();
    return read;
  }
}

interface Followed {
  readonly feed: SubscriptionFeed;
  readonly spec: SubscriptionSpec;
  readonly delivered: bigint[];
}

function follow(options: { store: ReadStore; tail: LogTail; owner: Owner; name: string; pattern: string }): Followed {
  const { store, tail, owner, name, pattern } = options;
  const delivered: bigint[] = [];
  const spec = { name, pattern, start: noneBefore };
  const feed: SubscriptionFeed = new SubscriptionFeed({
    store,
    tail,
    owner,
    spec,
    credit: { messages: 3, bytes: 1_000_000 },
    room: async () => {},
    onOpen() {},
    onMissed: () => expect.unreachable('nothing was dropped'),
    deadLetterIfExhausted: async () => false,
    deliver: async (fed) => {
      expect(fed).toMatchObject({ maybeRedelivered: false, attempt: 1 });
      delivered.push(fed.message.position);
    },
  });
  void feed.run();
  return { feed, spec, delivered };
}

const step = fc.oneof(
  fc.record({
    do: fc.constant('append' as const),
    topics: fc.array(fc.constantFrom(...topics), { minLength: 1, maxLength: 6 }),
  }),
  fc.record({ do: fc.constant('follow' as const), pattern: fc.constantFrom(...patterns) }),
  fc.record({
    do: fc.constantFrom('credit' as const, 'progress' as const, 'wait' as const),
    count: fc.integer({ min: 1, max: 5 }),
  }),
);

test('every subscription gets what it matches once and in order, whether it follows the tail, falls behind or joins again', async () => {
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 60 }),
    fc.integer({ min: 1, max: 8_000 }),
    async (steps, heldBytes) => {
      const scheduler = new VirtualScheduler(1);
      let turns = 0;
      const slow = async (): Promise<void> => {
        turns += 1;
        for (let turn = turns % 7; turn > 0; turn -= 1) await Promise.resolve();
      };
      const store = new ReadStore(scheduler, slow);
      const tail = new LogTail({ store, heldBytes });
      const owner = await activeOwner(store);
      const followed: Followed[] = [];
      let sequence = 0n;
      for (const each of steps) {
        if (each.do === 'append') {
          await store.append(
            owner,
            each.topics.map((topic) => {
              sequence += 1n;
              return message(sequence, { topic });
            }),
          );
        } else if (each.do === 'follow') {
          const name = `${followed.length}`;
          followed.push(follow({ store, tail, owner, name, pattern: each.pattern }));
        } else if (each.do === 'credit') {
          for (const { feed } of followed) feed.addCredit({ messages: each.count, bytes: 0 });
        } else if (each.do === 'progress') {
          for (const { feed } of followed) await record(store, owner, feed);
        } else {
          for (let turn = 0; turn < each.count * 5; turn += 1) await Promise.resolve();
        }
      }
      for (const { feed } of followed) feed.addCredit({ messages: 1_000, bytes: 0 });
      await new Promise((resolve) => setImmediate(resolve));
      const all = await store.read(0n, 1_000);
      for (const { feed, spec, delivered } of followed) {
        const matching = all.filter(({ topic }) => matchTopic(spec.pattern, topic));
        expect(delivered).toEqual(matching.map(({ position }) => position));
        await record(store, owner, feed);
        const { cursor } = await store.openSubscription(owner, { ...spec, inHand: delivered });
        expect(cursor).toBe(all.at(-1)?.position ?? cursor);
        feed.close();
      }
      tail.close();
    },
  );
  await fc.assert(property, { numRuns: 300 });
});

async function record(store: ReadStore, owner: Owner, feed: SubscriptionFeed): Promise<void> {
  const position = feed.progress();
  if (position === undefined) return;
  await store.recordProgress(owner, [feed.storedUnder.name], position);
  feed.recorded(position);
}

test('what is appended is read for nobody who follows the tail, and not kept when nobody does', async () => {
  const store = new ReadStore(new VirtualScheduler(1), async () => {});
  const tail = new LogTail({ store });
  const owner = await activeOwner(store);
  await store.append(owner, [message(1n)]);
  expect(store.reads).toBe(0);
  const followed = Array.from({ length: 100 }, (_, index) =>
    follow({ store, tail, owner, name: `${index}`, pattern: index % 2 === 0 ? 'a.b' : `a.${index}` }),
  );
  await new Promise((resolve) => setImmediate(resolve));
  const before = store.reads;
  await store.append(owner, [message(2n), message(3n)]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(store.reads).toBe(before);
  expect(followed.map(({ delivered }) => delivered.length)).toEqual(
    followed.map((_, index) => (index % 2 === 0 ? 3 : 0)),
  );
  for (const { feed } of followed) feed.close();
  const first = (await store.read(0n, 1))[0]?.position ?? 0n;
  expect(tail.get(first + 2n)).toBeUndefined();
});
