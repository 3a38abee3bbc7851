import { expect, test } from 'vitest';
import { MemoryStore } from '../../src/bus/store/in-memory/memory-store.ts';
import { VirtualScheduler } from '../../src/simulation/virtual-scheduler.ts';
import { activeOwner, message } from './store-fixtures.ts';
import { describeStore } from './store-suite.ts';

describeStore('memory', async (options) => new MemoryStore(options), 300);

test('epochs and positions go on ascending in a memory store that starts anew', async () => {
  const scheduler = new VirtualScheduler(1);
  const stores = [];
  for (let start = 0; start < 2; start += 1) {
    const store = new MemoryStore({ scheduler });
    const owner = await activeOwner(store);
    await store.append(owner, [message(1n), message(2n)]);
    stores.push({ epoch: owner.epoch, positions: (await store.read(0n, 10)).map(({ position }) => position) });
    await scheduler.advance(10);
  }
  const [before, after] = stores;
  expect(after?.epoch).toBeGreaterThan(before?.epoch ?? 0n);
  expect(after?.positions[0]).toBeGreaterThan(before?.positions[1] ?? 0n);
});
