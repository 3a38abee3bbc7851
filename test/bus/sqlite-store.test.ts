import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from '../../src/bus/store/sqlite/sqlite-store.ts';
import { StaleEpochError, type StoredMessage } from '../../src/bus/store/store.ts';
import { VirtualScheduler } from '../../src/simulation/virtual-scheduler.ts';
import { activeOwner, appendIds, everything, idOf, idsIn, message } from './store-fixtures.ts';
import { describeStore } from './store-suite.ts';

const directories: string[] = [];
const stores: SqliteStore[] = [];
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await Promise.all(stores.splice(0).map((store) => store.close()));
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

function newDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'meridian-store-'));
  directories.push(directory);
  return directory;
}

async function open(options: Partial<SqliteStoreOptions> = {}): Promise<SqliteStore> {
  const store = await openSqliteStore({
    path: path.join(newDirectory(), 'bus.sqlite'),
    scheduler: new VirtualScheduler(1),
    ...options,
  });
  stores.push(store);
  return store;
}

async function readAll(store: SqliteStore): Promise<StoredMessage[]> {
  const all: StoredMessage[] = [];
  for (;;) {
    const batch = await store.read(all.at(-1)?.position ?? 0n, 1_000);
    if (batch.length === 0) return all;
    all.push(...batch);
  }
}

describeStore('sqlite', (options) => open(options), 30);

describe('a store that is closed and opened again', () => {
  test('has its messages, positions, subscriptions and states, and knows the owner', async () => {
    const file = path.join(newDirectory(), 'bus.sqlite');
    const before = await open({ path: file });
    const owner = await activeOwner(before);
    await before.openSubscription(owner, everything);
    const [a = 0n, b = 0n, c = 0n] = await appendIds(before, owner, ['a', 'b', 'c']);
    await before.recordDelivery(owner, 'all', { positions: [a, b], cursor: b });
    await before.nack(owner, 'all', [{ position: b, attempt: 1 }]);
    await before.recordDelivery(owner, 'all', { positions: [b], cursor: b });
    await before.nack(owner, 'all', [{ position: b, attempt: 2 }]);
    await before.acknowledge(owner, 'all', [a]);
    const revision = await before.saveState(owner, {
      state: new Uint8Array([1, 2]),
      expectedRevision: 0n,
      acknowledge: [],
    });
    const messages = await before.read(0n, 10);
    await before.close();

    const after = await open({ path: file });
    expect(await after.read(0n, 10)).toEqual(messages);
    expect(await after.loadState('one')).toEqual({ state: new Uint8Array([1, 2]), revision });
    expect(await after.mayWrite(owner)).toBe(true);
    const { cursor, pending } = await after.openSubscription(owner, everything);
    expect(cursor).toBe(b);
    expect([...pending]).toEqual([[b, 2]]);
    await after.append(owner, [message(9n, { id: 'd' })]);
    expect((await after.read(c, 10)).map(({ position }) => position)).toEqual([c + 1n]);
  });

  test('gives out higher epochs, even when the clock went back', async () => {
    const file = path.join(newDirectory(), 'bus.sqlite');
    const scheduler = new VirtualScheduler(1);
    const before = await open({ path: file, scheduler });
    const earlier = await activeOwner(before);
    await before.close();
    scheduler.stepClock(-3_600_000);
    const after = await open({ path: file, scheduler });
    const later = await activeOwner(after);
    expect(later.epoch).toBeGreaterThan(earlier.epoch);
    await after.fence(earlier);
    await expect(after.append(earlier, [message(1n)])).rejects.toThrow(StaleEpochError);
  });

  test('recognises repeated sequences and dedup keys of the time before', async () => {
    const file = path.join(newDirectory(), 'bus.sqlite');
    const scheduler = new VirtualScheduler(1);
    const before = await open({ path: file, scheduler, dedupWindowMs: 1_000 });
    const owner = await activeOwner(before);
    await before.append(owner, [message(1n, { id: 'a', dedupKey: 'key' })]);
    await before.close();
    await scheduler.advance(999);
    const after = await open({ path: file, scheduler, dedupWindowMs: 1_000 });
    expect(await after.append(owner, [message(1n, { id: 'again', dedupKey: 'key' })])).toMatchObject([
      { messageId: 'a' },
    ]);
    expect(await after.append(owner, [message(2n, { id: 'b', dedupKey: 'key' })])).toEqual([
      { messageId: 'a', duplicate: true },
    ]);
    await scheduler.advance(1);
    expect(await after.append(owner, [message(3n, { id: 'c', dedupKey: 'key' })])).toEqual([
      { messageId: 'c', duplicate: false },
    ]);
    expect(await idsIn(after)).toEqual(['a', 'c']);
  });

  test('does not count the time in which it was closed as idleness of its subscriptions', async () => {
    const file = path.join(newDirectory(), 'bus.sqlite');
    const scheduler = new VirtualScheduler(1);
    const before = await open({ path: file, scheduler });
    await before.openSubscription(await activeOwner(before), everything);
    await before.close();
    await scheduler.advance(10_000);
    const after = await open({ path: file, scheduler });
    const expire = () => after.expireSubscriptions({ idleMs: 1_000, longestIdleMs: 10_000, inUse: () => false });
    expect(await expire()).toBe(0);
    await scheduler.advance(1_001);
    expect(await expire()).toBe(1);
  });

  test('knows the expiry of each of its subscriptions', async () => {
    const file = path.join(newDirectory(), 'bus.sqlite');
    const scheduler = new VirtualScheduler(1);
    const before = await open({ path: file, scheduler });
    const owner = await activeOwner(before);
    await before.openSubscription(owner, { ...everything, name: 'brief', idleExpiryMs: 10 });
    await before.openSubscription(owner, everything);
    await before.close();
    const after = await open({ path: file, scheduler });
    await scheduler.advance(11);
    expect(await after.expireSubscriptions({ idleMs: 1_000, longestIdleMs: 10_000, inUse: () => false })).toBe(1);
  });

  test('is one file, which only its owner may read', async () => {
    const directory = newDirectory();
    const store = await open({ path: path.join(directory, 'bus.sqlite') });
    await appendIds(store, await activeOwner(store), ['a']);
    await store.close();
    expect(readdirSync(directory)).toEqual(['bus.sqlite']);
    expect(statSync(path.join(directory, 'bus.sqlite')).mode & 0o777).toBe(0o600);
  });
});

describe('commits', () => {
  test('are shared by what comes while one is under way', async () => {
    const store = await open();
    const owner = await activeOwner(store);
    const before = store.commits;
    const count = 500;
    const answers = await Promise.all(
      Array.from({ length: count }, (_, index) => store.append(owner, [message(BigInt(index + 1))])),
    );
    expect(answers).toHaveLength(count);
    expect((await idsIn(store)).length).toBe(count);
    expect(store.commits - before).toBeLessThanOrEqual(2);
  });

  test('are not undone by a command among them that is refused', async () => {
    const store = await open();
    const owner = await activeOwner(store);
    const stale = { instanceId: 'one', epoch: owner.epoch - 1n };
    const before = store.commits;
    const outcomes = await Promise.allSettled([
      store.append(owner, [message(1n, { id: 'a' })]),
      store.append(stale, [message(1n, { id: 'stale' })]),
      store.saveState(owner, { state: new Uint8Array(), expectedRevision: 7n, acknowledge: [] }),
      store.append(owner, [message(2n, { id: 'b' })]),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(store.commits - before).toBe(1);
    expect(await idsIn(store)).toEqual(['a', 'b']);
  });

  test('fence an epoch for what comes after in the same one', async () => {
    const store = await open();
    const owner = await activeOwner(store);
    const [first, , second] = await Promise.allSettled([
      store.append(owner, [message(1n, { id: 'a' })]),
      store.fence(owner),
      store.append(owner, [message(2n, { id: 'b' })]),
    ]);
    expect([first?.status, second?.status]).toEqual(['fulfilled', 'rejected']);
    expect(await idsIn(store)).toEqual(['a']);
  });

  test('that only read are none', async () => {
    const store = await open();
    await activeOwner(store);
    const before = store.commits;
    await Promise.all([store.read(0n, 10), store.get(1n), store.loadState('one')]);
    expect(store.commits).toBe(before);
  });
});

test('integers that only the wire has room for name nothing and break nothing', async () => {
  const store = await open();
  const owner = await activeOwner(store);
  const huge = 2n ** 64n - 1n;
  expect(await store.mayWrite({ instanceId: 'one', epoch: huge })).toBe(false);
  await store.openSubscription(owner, everything);
  await store.acknowledge(owner, 'all', [huge]);
  await store.append(owner, [message(huge, { id: 'a' })]);
  expect(await store.append(owner, [message(huge, { id: 'a' })])).toEqual([{ messageId: 'a', duplicate: false }]);
});

test('a call under way when the store is closed is answered, and a later one fails', async () => {
  const store = await open();
  const owner = await activeOwner(store);
  const underWay = store.append(owner, [message(1n)]);
  const closed = store.close();
  expect(await underWay).toEqual([{ messageId: 'm1', duplicate: false }]);
  await closed;
  await expect(store.append(owner, [message(2n)])).rejects.toThrow('is closed');
});

const writer = fileURLToPath(new URL('./sqlite-writer.ts', import.meta.url));

test('what a killed process was answered is there, once and in order, and its epoch may go on', async () => {
  const file = path.join(newDirectory(), 'bus.sqlite');
  const accepted: string[] = [];
  const owners: bigint[] = [];
  for (const enough of [1_500, 3_000]) {
    const child = spawn(process.execPath, [writer, file], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const closed = once(child, 'close');
    for await (const line of createInterface({ input: child.stdout })) {
      const [what, id = ''] = line.split(' ');
      if (what === 'epoch') owners.push(BigInt(id));
      else accepted.push(id);
      if (accepted.length === enough) child.kill('SIGKILL');
    }
    await closed;
  }
  const store = await open({ path: file, scheduler: realScheduler });
  const stored = (await readAll(store)).map((stored) => idOf(stored) ?? '');
  expect(new Set(stored).size).toBe(stored.length);
  const found = new Set(stored);
  expect(accepted.filter((id) => !found.has(id))).toEqual([]);
  const [first = 0n, second = 0n] = owners;
  expect(second).toBeGreaterThan(first);
  const inOrder = (epoch: bigint) => stored.filter((id) => id.startsWith(`${epoch}-`));
  for (const epoch of owners) {
    expect(inOrder(epoch)).toEqual(inOrder(epoch).map((_, index) => `${epoch}-${index + 1}`));
  }
  const owner = { instanceId: 'one', epoch: second };
  expect(await store.append(owner, [message(1n, { id: `${second}-1` })])).toEqual([
    { messageId: `${second}-1`, duplicate: false },
  ]);
  expect((await readAll(store)).length).toBe(stored.length);
});

test('a disk that refuses a write ends the store with the reason, and what was answered is there', async () => {
  const file = path.join(newDirectory(), 'bus.sqlite');
  // No file may grow over 10 MiB: first the store comes to that, then the write-ahead log, in the middle of a commit.
  const limited = ['-c', 'ulimit -f 10240 && exec "$@"', 'bash', process.execPath, writer, file, '10000'];
  const child = spawn('bash', limited, { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  const closed = once(child, 'close');
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const accepted: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('accepted ')) accepted.push(line.slice('accepted '.length));
  }
  expect(await closed).toEqual([74, null]);
  expect(stderr).toMatch(/^the store .*bus\.sqlite failed: disk I\/O error\n/);
  expect(stderr).toContain('[bus/store/failed]');
  const store = await open({ path: file });
  const found = new Set((await readAll(store)).map(idOf));
  expect(accepted.length).toBeGreaterThan(0);
  expect(accepted.filter((id) => !found.has(id))).toEqual([]);
});
