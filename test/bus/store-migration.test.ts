import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import { MemoryStore } from '../../src/bus/store/in-memory/memory-store.ts';
import { type MemoryTables, newTables } from '../../src/bus/store/in-memory/memory-tables.ts';
import { readStoreFile } from '../../src/bus/store/migration/read-file.ts';
import { stoppedClock } from '../../src/bus/store/migration/stopped-clock.ts';
import { digestOf } from '../../src/bus/store/migration/table-digest.ts';
import { writeStoreFile } from '../../src/bus/store/migration/write-file.ts';
import type { Owner } from '../../src/bus/store/store.ts';
import { activeOwner, everything, message } from './store-fixtures.ts';

const scheduler = stoppedClock(realScheduler);
const options = { scheduler, dedupWindowMs: 600_000 };

type Step = (store: MemoryStore, owner: Owner, number: bigint) => Promise<unknown>;

/** What changes a store, each in a way that another one does not. */
const steps: Readonly<Record<string, Step>> = {
  'a message': (store, owner, number) => store.append(owner, [message(number)]),
  'a message with a key': (store, owner, number) =>
    store.append(owner, [message(number, { dedupKey: `a key of ${number}`, bytes: 0 })]),
  'a subscription': (store, owner, number) => store.openSubscription(owner, { ...everything, name: `s ${number}` }),
  'a delivery': async (store, owner, number) => {
    await store.openSubscription(owner, { ...everything, name: 'held', idleExpiryMs: Number(number) });
    const [first] = (await store.append(owner, [message(number)])) && (await store.read(0n, 1));
    const position = first?.position ?? 0n;
    await store.recordDelivery(owner, 'held', { positions: [position + number - 1n], cursor: position });
  },
  'a state': async (store, owner, number) => {
    const { revision = 0n } = (await store.loadState(owner.instanceId)) ?? {};
    const state = new Uint8Array([Number(number), 0, 10]);
    await store.saveState(owner, { state, expectedRevision: revision, acknowledge: [] });
  },
  'an owner': (store, _, number) => activeOwner(store, `owner-${number}`, 'p'),
  'a decision': (store, _, number) =>
    store.recordDecisions([
      { instanceId: 'i', action: 'publish', pattern: `a.${number}`, verdict: 'revoked', by: 'x', decidedAtNs: number },
    ]),
};

async function tablesAfter(names: readonly string[]): Promise<MemoryTables> {
  const tables = newTables(options, 5n);
  const store = new MemoryStore({ ...options, tables });
  const owner = await activeOwner(store);
  for (const [index, name] of names.entries()) await steps[name]?.(store, owner, BigInt(index + 1));
  return tables;
}

const someSteps = fc.array(fc.constantFrom(...Object.keys(steps)), { maxLength: 12 });

test('a file holds exactly what was written to it', async () => {
  await fc.assert(
    fc.asyncProperty(someSteps, async (names) => {
      const directory = mkdtempSync(path.join(tmpdir(), 'meridian-migration-'));
      const file = path.join(directory, 'bus.sqlite');
      try {
        const tables = await tablesAfter(names);
        writeStoreFile(file, tables, () => {});
        const read = await readStoreFile(file, options);
        expect(digestOf(read, scheduler)).toBe(digestOf(tables, scheduler));
        expect(read.log.lastPosition).toBe(tables.log.lastPosition);
      } finally {
        rmSync(directory, { recursive: true });
      }
    }),
    { numRuns: 40 },
  );
});

test.each(Object.keys(steps))('two stores that differ by %s have two digests', async (name) => {
  const before = Object.keys(steps);
  const [one, other] = [await tablesAfter(before), await tablesAfter([...before, name])];
  expect(digestOf(one, scheduler)).not.toBe(digestOf(other, scheduler));
});
