import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realScheduler } from '../../../src/base/time/real-scheduler.ts';
import { openSqliteStore, type SqliteStore } from '../../../src/bus/store/sqlite/sqlite-store.ts';
import { create, toBinary } from '../../../src/contract/wire/codec/message.ts';
import { EnvelopeSchema } from '../../../src/contract/wire/gen/meridian/v1/envelope_pb.ts';
import { idOf, message } from '../store-fixtures.ts';

let directory: string;
const stores: SqliteStore[] = [];
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'meridian-store-'));
});
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
  rmSync(directory, { recursive: true, force: true });
});

async function open(file: string): Promise<SqliteStore> {
  const store = await openSqliteStore({ path: file, scheduler: realScheduler, lockTimeoutMs: 0 });
  stores.push(store);
  return store;
}

describe('a file that is', () => {
  const database = (file: string, sql: string): void => {
    const other = new DatabaseSync(file);
    other.exec(sql);
    other.close();
  };
  test.each<[what: string, id: string, make: (file: string) => unknown]>([
    ['no database', 'bus/store/not-a-database', (file) => writeFileSync(file, 'deployment: test\n'.repeat(100))],
    ['the database of another program', 'bus/store/foreign', (file) => database(file, 'CREATE TABLE t (a)')],
    ['a directory', 'bus/store/unusable', (file) => mkdirSync(file)],
    ['in no directory', 'bus/store/unusable', (file) => rmSync(path.dirname(file), { recursive: true })],
    ['open in another bus', 'bus/store/locked', (file) => open(file)],
    [
      'of a newer schema',
      'bus/store/version',
      async (file) => {
        await (await open(file)).close();
        database(file, 'PRAGMA user_version = 1000');
      },
    ],
  ])('%s is refused with %s', async (_, id, make) => {
    const file = path.join(directory, 'bus.sqlite');
    await make(file);
    const refused = open(file);
    // The store that is in use is right; the setting is wrong.
    const exitCode = id === 'bus/store/locked' ? 78 : 74;
    await expect(refused).rejects.toMatchObject({ name: 'UserFacingError', id, exitCode });
    await expect(refused).rejects.toThrow(file);
  });
});

/** A file as the first release wrote it: one owner, its state, and a log that was trimmed. */
function makeVersionOne(file: string): void {
  const first = readFileSync(path.join(import.meta.dirname, 'schema-version-1.sql'), 'utf8');
  const database = new DatabaseSync(file);
  database.exec(first);
  database.close();
}

test('a file of schema version 1 is raised in place, and has what it had', async () => {
  const file = path.join(directory, 'bus.sqlite');
  makeVersionOne(file);
  const before = await open(file);
  const owner = { instanceId: 'one', epoch: 7n };
  expect(await before.ownerOf('one')).toEqual({ epoch: 7n, startedAtNs: 3n, principal: '' });
  expect(await before.loadState('one')).toEqual({ state: new Uint8Array([1, 2]), revision: 4n });
  expect(await before.decisions()).toEqual([]);
  await before.append(owner, [message(1n, { id: 'a' })]);
  const decision = { instanceId: 'one', action: 'publish', pattern: 'a.*', verdict: 'approved', by: 'ops' } as const;
  await before.recordDecisions([{ ...decision, decidedAtNs: 5n }]);
  await before.close();
  const after = await open(file);
  expect(await after.decisions()).toEqual([{ ...decision, decidedAtNs: 5n }]);
  expect((await after.read(0n, 10)).map(({ position }) => position)).toEqual([101n]);
});

test('messages of a file that had no topics beside them are found by what they match, and dropped in their turn', async () => {
  const file = path.join(directory, 'bus.sqlite');
  makeVersionOne(file);
  const database = new DatabaseSync(file);
  for (const [position, topic] of [
    [101, 'a.b'],
    [102, 'a.c'],
    [103, 'a.b'],
  ] as const) {
    const envelope = create(EnvelopeSchema, { meta: { messageId: `m${position}`, topic } });
    const insert = database.prepare('INSERT INTO message (position, published_at_ns, envelope) VALUES (?, 1, ?)');
    insert.run(position, toBinary(EnvelopeSchema, envelope));
  }
  database.exec('UPDATE log SET last_position = 103');
  database.close();
  const store = await open(file);
  await store.append({ instanceId: 'one', epoch: 7n }, [message(1n, { id: 'new' }), message(2n, { topic: 'a.c' })]);
  const { messages, ...rest } = await store.readMatching('a.b', 100n, 10);
  expect(messages.map(idOf)).toEqual(['m101', 'm103', 'new']);
  expect(rest).toEqual({ cursor: 105n, missed: 0, isAtEnd: true });
  expect(await store.readMatching('a.b', 90n, 1)).toMatchObject({ cursor: 101n, missed: 10, isAtEnd: false });
});
