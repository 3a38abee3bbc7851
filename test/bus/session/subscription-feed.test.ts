import { expect, test } from 'vitest';
import { LogTail } from '../../../src/bus/session/log-tail.ts';
import { SubscriptionFeed } from '../../../src/bus/session/subscription-feed.ts';
import { MemoryStore } from '../../../src/bus/store/in-memory/memory-store.ts';
import { VirtualScheduler } from '../../../src/simulation/virtual-scheduler.ts';
import { activeOwner, appendIds, everything } from '../store-fixtures.ts';

test('a repeat that is acknowledged while it waits for credit does not come, and costs none', async () => {
  const store = new MemoryStore({ scheduler: new VirtualScheduler(1) });
  const owner = await activeOwner(store);
  await store.openSubscription(owner, everything);
  const [a = 0n, b = 0n, c = 0n] = await appendIds(store, owner, ['a', 'b', 'c']);
  await store.recordDelivery(owner, 'all', { positions: [a, b, c], cursor: c });

  const delivered: bigint[] = [];
  const arrivals: (() => void)[] = [];
  const arrival = (): Promise<void> => new Promise((resolve) => arrivals.push(resolve));
  const feed = new SubscriptionFeed({
    store,
    tail: new LogTail({ store }),
    owner,
    spec: everything,
    credit: { messages: 1, bytes: 1_000_000 },
    room: async () => {},
    onOpen() {},
    onMissed() {},
    deadLetterIfExhausted: async () => false,
    deliver: async ({ message }) => {
      delivered.push(message.position);
      arrivals.shift()?.();
    },
  });
  const first = arrival();
  const running = feed.run();
  await first;
  await store.acknowledge(owner, 'all', [b]);
  const second = arrival();
  feed.addCredit({ messages: 1, bytes: 0 });
  await second;
  expect(delivered).toEqual([a, c]);
  feed.close();
  await running;
});
